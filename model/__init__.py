"""The model: which cluster a profile of interests belongs to.

Light on purpose: `model.artifact.load()` gives the model in service, and neither numpy nor anything
of training is imported until many profiles are asked about at once.
"""
