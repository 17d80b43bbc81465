"""Methods of assigning rooms, fitted to some people: that of a new model, and its baselines.

A method takes ticks (n, m), a number of rooms and a seed, and returns a `Fitted`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from model.nnls import ActiveSets, Array, leader
from model.training.fitting import (
    PUBLISHED_PARAMETERS,
    drop_zeros,
    fit_nmf,
    fit_nonzero,
    round_digits,
)
from model.training.room_affinity import normalize, sharpen

if TYPE_CHECKING:
    from sklearn.cluster import KMeans

MethodName = Literal["nmf", "published", "kmeans", "spherical_kmeans", "random"]
Rooms = NDArray[np.intp]

RESTARTS = 10


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted method.

    Attributes:
        rooms: assigns people (p, m) to rooms, (p,) numbers from 0.
        components: (k, m), if the largest weight decides the room.
    """

    rooms: Callable[[Array], Rooms]
    components: Array | None = None


def new_model(ticks: Array, k: int, seed: int) -> Fitted:
    """Fit as a new model is, but accept fewer than k components."""
    return by_weight(drop_zeros(sharpen(ticks, fit_nonzero(ticks, k))))


def published(ticks: Array, k: int, seed: int) -> Fitted:
    """Fit as the published model was, with its arbitrary scales and k components."""
    components = fit_nmf(ticks, PUBLISHED_PARAMETERS | {"n_components": k})
    return by_weight(round_digits(components[components.any(axis=1)]))


def kmeans(ticks: Array, k: int, seed: int) -> Fitted:
    """Fit scikit-learn's k-means, the best of ten starts."""
    fitted = _fit_kmeans(ticks, k, seed)
    return Fitted(lambda people: np.asarray(fitted.predict(people), dtype=np.intp))


def spherical_kmeans(ticks: Array, k: int, seed: int) -> Fitted:
    """Fit k-means to profiles at unit length; the room is that of the largest cosine.

    Dhillon & Modha, Concept decompositions (Machine Learning 42, 2001).
    """
    centroids = normalize(_fit_kmeans(normalize(ticks), k, seed).cluster_centers_)
    return Fitted(lambda people: (people @ centroids.T).argmax(axis=1))


def random_rooms(ticks: Array, k: int, seed: int) -> Fitted:
    """Assign rooms at random."""
    return Fitted(
        lambda people: np.random.default_rng((seed, len(people))).integers(k, size=len(people))
    )


METHODS: dict[MethodName, Callable[[Array, int, int], Fitted]] = {
    "nmf": new_model,
    "published": published,
    "kmeans": kmeans,
    "spherical_kmeans": spherical_kmeans,
    "random": random_rooms,
}


def by_weight(components: Array) -> Fitted:
    """Return the serving rule with some components."""
    sets = ActiveSets(components)
    return Fitted(lambda people: leader(sets.weights_many(people)), components)


def _fit_kmeans(rows: Array, k: int, seed: int) -> "KMeans":
    from sklearn.cluster import KMeans

    return KMeans(n_clusters=k, n_init=RESTARTS, random_state=seed).fit(rows)
