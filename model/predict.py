"""The model in service: predicts the cluster of a profile, and explains it.

The rule is argmax(W), where W are the exact non-negative least squares weights of the profile on
the model's components (`model.nnls`). Weights within a part in 10^9, beyond the precision of the
stored factors, are a tie, and a tie goes to the first component: the answer depends neither on the
order of the selected interests nor on the machine.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model.nnls import ActiveSets, Array, leader


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster's stable number, its labels and its heaviest interests.

    `top_interests` are (interest, weight in the component), heaviest first. Weights compare within
    one cluster only, because the scale of an NMF component is arbitrary.
    """

    id: int
    label_es: str
    label_en: str
    top_interests: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a profile belongs to its cluster.

    Attributes:
        cluster: the number that `predict` returns.
        weight: its weight W.
        shares: for each selected known interest, in the model's order, its exact part of the
            weight. They sum to 1, and one is negative where the interest favours another active
            component. All are 0 when the weight is 0.
        runner_up: the cluster of the next largest weight; None if all other weights are zero.
        runner_up_weight: its weight; 0.0 if there is none.
        margin: weight - runner_up_weight.
    """

    cluster: int
    weight: float
    shares: dict[str, float]
    runner_up: int | None
    runner_up_weight: float
    margin: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Model:
    """A trained model, loaded by `model.artifact.load`.

    `components` is H, k rows of m numbers with k up to 12: row i is the component of cluster
    `cluster_ids[i]`, and column j belongs to `interests[j]`.

    Raises:
        ValueError: components that `model.nnls.ActiveSets` rejects.
    """

    id: str
    sha256: str
    trained_at: datetime
    training_users: int
    metrics: Mapping[str, Any]
    interests: tuple[str, ...]
    cluster_ids: tuple[int, ...]
    clusters: tuple[Cluster, ...]
    retired: tuple[int, ...] = ()
    components: tuple[tuple[float, ...], ...] = field(repr=False)
    _sets: ActiveSets = field(init=False, repr=False)
    _positions: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        positions = {name: j for j, name in enumerate(self.interests)}
        object.__setattr__(self, "_sets", ActiveSets(self.components))
        object.__setattr__(self, "_positions", positions)

    def predict(self, interests: Iterable[str]) -> int:
        """Return the number of the cluster that the selected interests belong to.

        Unknown interests are ignored and repeated ones count once. Without a known interest every
        weight is zero, which is a tie: the first component's cluster.
        """
        return self.cluster_ids[int(leader(self._weights(interests)))]

    def weights(self, interests: Iterable[str]) -> list[float]:
        """Return the exact weights W (k) of the selected interests; unknown ones are ignored."""
        weights: list[float] = self._weights(interests).tolist()
        return weights

    def weights_many(self, profiles: ArrayLike) -> Array:
        """Return the exact weights (n, k) of profiles (n, m) of 0/1 in the model's order.

        Memory besides the result: at most about 64 MiB.

        Raises:
            ValueError: the profiles are not a matrix with m columns.
        """
        matrix = np.asarray(profiles)
        if matrix.ndim != 2 or matrix.shape[1] != len(self.interests):
            raise ValueError(
                f"profiles must be a matrix of {len(self.interests)} columns, not {matrix.shape}"
            )
        return self._sets.weights_many(matrix)

    def predict_many(self, profiles: ArrayLike) -> NDArray[np.int64]:
        """Return the cluster numbers (n,) of profiles (n, m) of 0/1, each as `predict` returns it.

        Raises:
            ValueError: the profiles are not a matrix with m columns.
        """
        leaders = leader(self.weights_many(profiles))
        numbers: NDArray[np.int64] = np.array(self.cluster_ids, dtype=np.int64)[leaders]
        return numbers

    def explain(self, interests: Iterable[str]) -> Explanation:
        """Explain the cluster of the selected interests: see `Explanation`.

        The shares are exact, not an attribution by sampling: on its active set the weight is linear
        in the profile, W_c = sum over the selected j of solution[c, j].
        """
        known = self.known(interests)
        profile = self._profile(known)
        weights = self._sets.weights(profile)
        best = int(leader(weights))
        contributions = self._sets.solution(profile)[best][profile > 0]
        total = float(contributions.sum())
        others = weights.copy()
        others[best] = 0.0
        second = int(leader(others))
        return Explanation(
            cluster=self.cluster_ids[best],
            weight=float(weights[best]),
            shares={
                name: value / total if total else 0.0
                for name, value in zip(known, contributions.tolist(), strict=True)
            },
            runner_up=self.cluster_ids[second] if others[second] else None,
            runner_up_weight=float(others[second]),
            margin=float(weights[best] - others[second]),
        )

    @property
    def matrix(self) -> Array:
        """The components as a new array, (k, m)."""
        return np.array(self.components)

    def known(self, interests: Iterable[str]) -> tuple[str, ...]:
        """Return the interests that the model knows, each once, in the model's order."""
        selected = set(interests)
        return tuple(name for name in self.interests if name in selected)

    def unknown(self, interests: Iterable[str]) -> tuple[str, ...]:
        """Return the interests that the model does not know, each once, in code point order."""
        return tuple(sorted(set(interests).difference(self._positions)))

    def _weights(self, interests: Iterable[str]) -> Array:
        return self._sets.weights(self._profile(interests))

    def _profile(self, interests: Iterable[str]) -> Array:
        profile = np.zeros(len(self.interests))
        positions = self._positions
        profile[[positions[name] for name in interests if name in positions]] = 1.0
        return profile
