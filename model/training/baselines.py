"""Ways of making rooms, ours and those it is compared with, each fitted on some people.

A method takes ticks (n, m), a number of rooms and a seed, and gives a `Fitted`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model.nnls import ActiveSets, Array, leader
from model.training.fitting import PUBLISHED, components_of, parameters_of, rounded
from model.training.room_affinity import sharpen, unit

Name = Literal["nmf", "published", "kmeans", "spherical_kmeans", "random"]
Rooms = NDArray[np.intp]

RESTARTS = 10


@dataclass(frozen=True, slots=True)
class Fitted:
    """What puts people into rooms.

    Attributes:
        rooms: people (p, m) to their rooms, (p,) numbers from 0.
        components: (k, m), where the rooms are those of the largest weight.
    """

    rooms: Callable[[Array], Rooms]
    components: Array | None = None


def ours(ticks: Array, k: int, seed: int) -> Fitted:
    """The fit of a new model. One of fewer components, where some come out empty, is taken."""
    return by_weight(solid(sharpen(ticks, solid(components_of(ticks, parameters_of(k))))))


def published(ticks: Array, k: int, seed: int) -> Fitted:
    """The published fit, its factors as they come, with k components."""
    found = components_of(ticks, PUBLISHED | {"n_components": k})
    return by_weight(rounded(found[found.any(axis=1)]))


def kmeans(ticks: Array, k: int, seed: int) -> Fitted:
    """scikit-learn's k-means, the best of ten starts."""
    from sklearn.cluster import KMeans

    fitted = KMeans(n_clusters=k, n_init=RESTARTS, random_state=seed).fit(ticks)
    return Fitted(lambda people: np.asarray(fitted.predict(people), dtype=np.intp))


def spherical_kmeans(ticks: Array, k: int, seed: int) -> Fitted:
    """k-means of the profiles at unit length, rooms by cosine with the unit centroids.

    Dhillon & Modha, Concept decompositions (Machine Learning 42, 2001).
    """
    from sklearn.cluster import KMeans

    fitted = KMeans(n_clusters=k, n_init=RESTARTS, random_state=seed).fit(unit(ticks))
    centroids = unit(fitted.cluster_centers_)
    return Fitted(lambda people: (people @ centroids.T).argmax(axis=1))


def by_chance(ticks: Array, k: int, seed: int) -> Fitted:
    """Any room for anybody."""
    return Fitted(
        lambda people: np.random.default_rng((seed, len(people))).integers(k, size=len(people))
    )


METHODS: dict[Name, Callable[[Array, int, int], Fitted]] = {
    "nmf": ours,
    "published": published,
    "kmeans": kmeans,
    "spherical_kmeans": spherical_kmeans,
    "random": by_chance,
}


def by_weight(components: Array) -> Fitted:
    """The serving rule."""
    sets = ActiveSets(components)
    return Fitted(lambda people: leader(sets.weights_many(people)), components)


def solid(components: Array) -> Array:
    """The components that are not all zeros, at unit length."""
    return unit(components[components.any(axis=1)])
