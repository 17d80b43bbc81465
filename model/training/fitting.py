"""Fits components to ticks: the published fit, and the one of every model since."""

from typing import Any

import numpy as np

from model.nnls import Array
from model.training.room_affinity import sharpen, unit
from model.training.survey import SurveyError

# scikit-learn's NMF, with every parameter stated: the default of `init` alone has changed since
# the model was published, and with it where a fifth of the survey's people would land.
PUBLISHED: dict[str, Any] = {
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
# Of more people every so-many-th is fitted to: components of a few dozen interests are no better
# known from more.
MOST_PEOPLE = 20_000


def parameters_of(k: int) -> dict[str, Any]:
    """The parameters of a new model's NMF.

    From the NNDSVDa start (zeros of the NNDSVD start filled with the mean), which lets an interest
    come into a component that the start left it out of.
    """
    return PUBLISHED | {"n_components": k, "init": "nndsvda", "max_iter": 500}


def fit(ticks: Array, parameters: dict[str, Any]) -> Array:
    """The NMF components of ticks (n, m), at 12 significant digits: (k, m).

    Args:
        ticks: 0/1, one row a person.
        parameters: of `sklearn.decomposition.NMF`, all of them stated.

    Raises:
        SurveyError: there are fewer people or interests than components.
    """
    if min(ticks.shape) < parameters["n_components"]:
        raise SurveyError(
            f"{ticks.shape[0]} people and {ticks.shape[1]} interests are too few for "
            f"{parameters['n_components']} clusters"
        )
    return rounded(components_of(ticks, parameters))


def fit_new(ticks: Array, k: int) -> Array:
    """The components of a new model, rows at unit L2 norm, at 12 significant digits: (k, m).

    NMF, then `model.training.room_affinity.sharpen`. At unit length the largest weight does not
    depend on the arbitrary scale of NMF's factors.

    Raises:
        SurveyError: there are too few people or interests, or the data have fewer components.
    """
    people = ticks[:: -(-len(ticks) // MOST_PEOPLE)]
    found = unit(fit(people, parameters_of(k)))
    if not found.any(axis=1).all():
        raise SurveyError(f"a component is all zeros: the data have fewer than {k}")
    return rounded(sharpen(people, found))


def components_of(ticks: Array, parameters: dict[str, Any]) -> Array:
    """scikit-learn's components, as they come."""
    import warnings

    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        # The last of 200 or 500 rounds is as good as those before; the card tells the error.
        warnings.simplefilter("ignore", ConvergenceWarning)
        components: Array = NMF(**parameters).fit(ticks).components_
    return components


def rounded(components: Array) -> Array:
    """The components at as many digits as every BLAS kernel agrees on."""
    digits = [float(f"{value:.{SIGNIFICANT_DIGITS}g}") for value in components.flat]
    return np.array(digits).reshape(components.shape)
