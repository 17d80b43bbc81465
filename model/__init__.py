"""The model: which cluster a profile of interests belongs to.

`model.artifact.load()` returns the model in service. Nothing here imports the application, and only
`model.training` imports scikit-learn.
"""
