"""The error of training."""


class TrainingDataError(ValueError):
    """The data cannot be read or trained on; the message says where and why."""
