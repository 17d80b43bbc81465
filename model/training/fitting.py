"""Fits components to ticks: the published fit, and that of every later model."""

import warnings
from typing import Any

import numpy as np

from model.nnls import Array
from model.training.errors import TrainingDataError
from model.training.room_affinity import normalize, sharpen, thin

# All parameters of scikit-learn's NMF: the default of `init` has changed since the model was
# published, which alone would change the cluster of a fifth of the survey's people.
PUBLISHED_PARAMETERS: dict[str, Any] = {
    "n_components": 4,
    "init": "nndsvd",
    "solver": "cd",
    "beta_loss": "frobenius",
    "tol": 1e-4,
    "max_iter": 200,
    "random_state": 42,
    "alpha_W": 0.0,
    "alpha_H": "same",
    "l1_ratio": 0.0,
    "verbose": 0,
    "shuffle": False,
}
SIGNIFICANT_DIGITS = 12
# More people do not make the components of a few dozen interests better.
MAX_PEOPLE = 20_000


def nmf_parameters(k: int) -> dict[str, Any]:
    """Return the parameters of a new model's NMF.

    The NNDSVDa start fills the zeros of the NNDSVD start with the mean, so that a component can
    gain an interest that the start did not give it.
    """
    return PUBLISHED_PARAMETERS | {"n_components": k, "init": "nndsvda", "max_iter": 500}


def fit(ticks: Array, parameters: dict[str, Any]) -> Array:
    """Return the NMF components (k, m) of ticks (n, m) of 0/1, at 12 significant digits.

    Raises TrainingDataError if there are fewer people or interests than components.
    """
    if min(ticks.shape) < parameters["n_components"]:
        raise TrainingDataError(
            f"{ticks.shape[0]} people and {ticks.shape[1]} interests are too few for "
            f"{parameters['n_components']} clusters"
        )
    return round_digits(fit_nmf(ticks, parameters))


def fit_new(ticks: Array, k: int) -> Array:
    """Return the components (k, m) of a new model, rows at unit L2 norm, at 12 significant digits.

    NMF, then `model.training.room_affinity.sharpen`. At unit length the largest weight does not
    depend on the arbitrary scale of NMF's factors.

    Raises TrainingDataError: too few people or interests, or the data have fewer components.
    """
    people = thin(ticks, MAX_PEOPLE)
    components = normalize(fit(people, nmf_parameters(k)))
    if not components.any(axis=1).all():
        raise TrainingDataError(f"a component is all zeros: the data have fewer than {k}")
    return round_digits(sharpen(people, components))


def fit_nonzero(ticks: Array, k: int) -> Array:
    """Return NMF's components that are not all zeros, at most k, at unit length."""
    return drop_zeros(fit_nmf(ticks, nmf_parameters(k)))


def fit_nmf(ticks: Array, parameters: dict[str, Any]) -> Array:
    """Return the components of scikit-learn's NMF."""
    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        # The result of the last iteration is used even if it has not converged.
        warnings.simplefilter("ignore", ConvergenceWarning)
        components: Array = NMF(**parameters).fit(ticks).components_
    return components


def drop_zeros(components: Array) -> Array:
    """Return the components that are not all zeros, at unit length."""
    return normalize(components[components.any(axis=1)])


def round_digits(components: Array) -> Array:
    """Return the components at the number of digits on which all BLAS kernels agree."""
    digits = [float(f"{value:.{SIGNIFICANT_DIGITS}g}") for value in components.flat]
    return np.array(digits).reshape(components.shape)
