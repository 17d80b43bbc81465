"""The model in service: ticked interests in, cluster number out.

The rule is argmax(W), W being the exact non-negative least squares weights of the profile
against the model's components (`model.nnls`). Weights that differ by less than a part in 10^9,
beyond what the stored factors can tell apart, are a tie, and a tie goes to the first component:
so the answer depends neither on the order of the ticked interests nor on the machine.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from model.walk import Row, Walk

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from model.nnls import ActiveSets, Array

# A weight of at least this share of the largest ties with it.
TIE = 1 - 1e-9


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster as people see it: its stable number, its label, what its members like.

    `top_interests` are (interest, weight in the component), heaviest first. The weights compare
    within one cluster: the scale of an NMF component is arbitrary.
    """

    id: int
    label_es: str
    label_en: str
    top_interests: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a profile belongs to its cluster.

    Attributes:
        cluster: the number `predict` gives.
        weight: its weight W.
        shares: for each ticked known interest, in the model's order, its exact part of the
            weight. They sum to 1, and one is negative where the interest speaks for another
            active component. All are 0 when the weight is 0.
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
    """A trained model, ready to predict. `model.artifact.load` makes it.

    `components` is H, k rows of m numbers with k up to 12: row i is the component of cluster
    `cluster_ids[i]`, number j of it belongs to `interests[j]`. One profile is answered in plain
    Python numbers (`model.walk`), many by numpy (`model.nnls`), which is imported and prepared when
    it is first needed: its active sets take 2 kB and 1 ms at k = 4, 5 MB and 0.1 s at k = 12.

    Raises:
        ValueError: components that `model.walk.Walk` refuses.
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
    components: tuple[Row, ...] = field(repr=False)
    _walk: Walk = field(init=False, repr=False)
    _positions: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        positions = {name: j for j, name in enumerate(self.interests)}
        object.__setattr__(self, "_walk", Walk(self.components, self.interests))
        object.__setattr__(self, "_positions", positions)

    def predict(self, ticked: Iterable[str]) -> int:
        """The number of the cluster that the ticked interests belong to.

        Unknown interests are ignored and repeated ones count once. With no known interest every
        weight is zero and ties: the first component's cluster.
        """
        return self.cluster_ids[_first_largest(self._weights(set(ticked)))]

    def weights(self, ticked: Iterable[str]) -> list[float]:
        """The exact weights W of the ticked interests, k of them; unknown ones are ignored."""
        return [max(0.0, weight) for weight in self._weights(set(ticked))]

    def _weights(self, profile: set[str]) -> list[float]:
        """Weights that rounding may have left a little below zero."""
        arrival = self._walk.arrive(profile)
        if arrival:
            return arrival[0]
        weights: list[float] = self.weights_many(self._vector(profile)[None])[0].tolist()
        return weights

    @property
    def matrix(self) -> "Array":
        """The components as an array, (k, m)."""
        import numpy as np

        return np.array(self.components)

    def weights_many(self, profiles: "ArrayLike") -> "Array":
        """The exact weights of profiles (n, m) of 0/1 in the model's order: (n, k).

        Memory besides the result: at most about 64 MiB.

        Raises:
            ValueError: the profiles are not a matrix with m columns.
        """
        import numpy as np

        given = np.asarray(profiles)
        if given.ndim != 2 or given.shape[1] != len(self.interests):
            raise ValueError(
                f"profiles must be a matrix of {len(self.interests)} columns, not {given.shape}"
            )
        return self._sets.weights_many(given)

    def predict_many(self, profiles: "ArrayLike") -> "NDArray[np.int64]":
        """The cluster numbers of profiles (n, m) of 0/1: (n,), each as `predict` gives it.

        Raises:
            ValueError: the profiles are not a matrix with m columns.
        """
        import numpy as np

        from model.nnls import leader

        leaders = leader(self.weights_many(profiles))
        numbers: NDArray[np.int64] = np.array(self.cluster_ids, dtype=np.int64)[leaders]
        return numbers

    def explain(self, ticked: Iterable[str]) -> Explanation:
        """Why the ticked interests belong to their cluster: see `Explanation`.

        Exact, not an attribution by sampling: on its active set the weight is linear in the
        profile, W_c = sum over the ticked j of solution[c, j].
        """
        known = self.known(ticked)
        weights = self.weights(known)
        best = _first_largest(weights)
        parts = self._contributions(known, best)
        total = sum(parts)
        others = [0.0 if i == best else weight for i, weight in enumerate(weights)]
        second = _first_largest(others)
        return Explanation(
            cluster=self.cluster_ids[best],
            weight=weights[best],
            shares={
                name: part / total if total else 0.0
                for name, part in zip(known, parts, strict=True)
            },
            runner_up=self.cluster_ids[second] if others[second] else None,
            runner_up_weight=others[second],
            margin=weights[best] - others[second],
        )

    def _contributions(self, known: tuple[str, ...], component: int) -> list[float]:
        """What each interest contributes to a component's weight, but for a common factor."""
        arrival = self._walk.arrive(known)
        if arrival:
            _, rows = arrival
            return self._walk.contributions(rows[component], known)
        profile = self._vector(known)
        parts: list[float] = self._sets.solution(profile)[component][profile > 0].tolist()
        return parts

    def known(self, ticked: Iterable[str]) -> tuple[str, ...]:
        """The ticked interests that the model knows, each once, in the model's order."""
        profile = set(ticked)
        return tuple(name for name in self.interests if name in profile)

    def unknown(self, ticked: Iterable[str]) -> tuple[str, ...]:
        """The ticked interests that the model does not know, each once, by code point."""
        return tuple(sorted(set(ticked).difference(self._positions)))

    def _vector(self, ticked: Iterable[str]) -> "Array":
        import numpy as np

        vector = np.zeros(len(self.interests))
        vector[[self._positions[name] for name in self.known(ticked)]] = 1.0
        return vector

    @cached_property
    def _sets(self) -> "ActiveSets":
        from model.nnls import ActiveSets

        return ActiveSets(self.components)


def _first_largest(weights: list[float]) -> int:
    """The rule for one profile: the position of the largest weight; a tie goes to the first."""
    tie = max(weights) * TIE
    return next(i for i, weight in enumerate(weights) if weight >= tie)
