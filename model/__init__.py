"""The model: which cluster a profile of interests belongs to.

Light on purpose: `model.artifact.load()` gives the model in service, and nothing heavier than
numpy is imported before that.
"""
