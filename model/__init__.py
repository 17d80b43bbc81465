"""The model: predicts the cluster of a profile of interests.

`model.artifact.load()` returns the model in service. This package does not import the application,
and only `model.training` imports scikit-learn.
"""
