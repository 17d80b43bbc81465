"""The model in service: ticked interests in, cluster number out.

The rule is argmax(W), W being the exact non-negative least squares weights of the profile
against the model's components (`model.nnls`). Weights that differ by less than a part in 10^9,
beyond what the stored factors can tell apart, are a tie, and a tie goes to the first component:
so the answer depends neither on the order of the ticked interests nor on the machine.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from operator import mul
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model.nnls import TOLERANCE, ActiveSets, Array

# A weight of at least this share of the largest ties with it.
TIE = 1 - 1e-9

Row = tuple[float, ...]


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


class _Column(dict[str, float]):
    """What each interest adds to one component's weight; an unknown interest adds nothing."""

    def __missing__(self, interest: str) -> float:
        return 0.0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Model:
    """A trained model, ready to predict. `model.artifact.load` makes it.

    `components` is H, (k, m) with k up to 12: row i is the component of cluster
    `cluster_ids[i]`, column j belongs to `interests[j]`. Every active set is solved when the
    model is made, and kept as arrays and, for `predict`, as Python numbers. In all: 25 kB and
    1 ms at k = 4, 0.9 MB at k = 8, 28 MB and 0.1 s at k = 12.

    Raises:
        ValueError: components that `model.nnls.ActiveSets` refuses.
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
    components: Array = field(repr=False)
    _sets: ActiveSets = field(init=False, repr=False)
    _positions: dict[str, int] = field(init=False, repr=False)
    _walk: "_Walk" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        sets = ActiveSets(self.components)
        positions = {name: j for j, name in enumerate(self.interests)}
        object.__setattr__(self, "_sets", sets)
        object.__setattr__(self, "_positions", positions)
        object.__setattr__(self, "_walk", _Walk.over(sets, self.interests))

    def predict(self, ticked: Iterable[str]) -> int:
        """The number of the cluster that the ticked interests belong to.

        Unknown interests are ignored and repeated ones count once. With no known interest every
        weight is zero and ties: the first component's cluster.

        The web service's hot path, so plain Python numbers: faster than numpy calls on arrays
        this small. It walks from the set of all components to the one whose conditions are met,
        each time exchanging the components that violate them (block principal pivoting:
        Portugal, Judice & Vicente, Math. Comp. 63, 1994); one to three steps at k = 4. Where it
        arrives is right however it got there, because the solution is unique.
        """
        profile = set(ticked)
        columns, rows, scales, steps = self._walk
        free = values = [sum(map(column, profile)) for column in columns]
        floor = -TOLERANCE * max(free)
        bits = len(rows) - 1
        for _ in range(steps):
            if min(values) >= floor:
                weights = list(map(mul, values, scales[bits]))
                break
            for i, value in enumerate(values):
                if value < floor:
                    bits ^= 1 << i
            values = [sum(map(mul, row, free)) for row in rows[bits]]
        else:  # W is not unique, or rounding sent the walk in a circle
            weights = self.weights(profile).tolist()
        tie = max(weights) * TIE
        return self.cluster_ids[[weight >= tie for weight in weights].index(True)]

    def weights(self, ticked: Iterable[str]) -> Array:
        """The exact weights W of the ticked interests, (k,); unknown ones are ignored."""
        weights: Array = self.weights_many(self._vector(ticked)[None])[0]
        return weights

    def weights_many(self, profiles: ArrayLike) -> Array:
        """The exact weights of profiles (n, m) of 0/1 in the model's order: (n, k).

        Memory besides the result: at most about 64 MiB.

        Raises:
            ValueError: the profiles are not a matrix with m columns.
        """
        given = np.asarray(profiles)
        if given.ndim != 2 or given.shape[1] != len(self.interests):
            raise ValueError(
                f"profiles must be a matrix of {len(self.interests)} columns, not {given.shape}"
            )
        return self._sets.weights_many(given)

    def predict_many(self, profiles: ArrayLike) -> NDArray[np.int64]:
        """The cluster numbers of profiles (n, m) of 0/1: (n,), each as `predict` gives it.

        Raises:
            ValueError: the profiles are not a matrix with m columns.
        """
        leaders = leader(self.weights_many(profiles))
        numbers: NDArray[np.int64] = np.array(self.cluster_ids, dtype=np.int64)[leaders]
        return numbers

    def explain(self, ticked: Iterable[str]) -> Explanation:
        """Why the ticked interests belong to their cluster: see `Explanation`.

        Exact, not an attribution by sampling: on its active set the weight is linear in the
        profile, W_c = sum over the ticked j of solution[c, j].
        """
        known = self.known(ticked)
        profile = self._vector(known)
        weights = self._sets.weights_many(profile[None])[0]
        best = int(leader(weights))
        parts = self._sets.solution(profile)[best][profile > 0].tolist()
        total = sum(parts)
        others = np.where(np.arange(len(weights)) == best, 0.0, weights)
        second = int(leader(others))
        weight, next_weight = float(weights[best]), float(others[second])
        return Explanation(
            cluster=self.cluster_ids[best],
            weight=weight,
            shares={
                name: part / total if total else 0.0
                for name, part in zip(known, parts, strict=True)
            },
            runner_up=self.cluster_ids[second] if next_weight else None,
            runner_up_weight=next_weight,
            margin=weight - next_weight,
        )

    def known(self, ticked: Iterable[str]) -> tuple[str, ...]:
        """The ticked interests that the model knows, each once, in the model's order."""
        profile = set(ticked)
        return tuple(name for name in self.interests if name in profile)

    def unknown(self, ticked: Iterable[str]) -> tuple[str, ...]:
        """The ticked interests that the model does not know, each once, by code point."""
        return tuple(sorted(set(ticked).difference(self._positions)))

    def _vector(self, ticked: Iterable[str]) -> Array:
        vector = np.zeros(len(self.interests))
        vector[[self._positions[name] for name in self.known(ticked)]] = 1.0
        return vector


def leader(weights: Array) -> NDArray[np.intp]:
    """The rule: (..., k) weights to the position of the largest; a tie goes to the first."""
    return np.asarray((weights >= weights.max(axis=-1, keepdims=True) * TIE).argmax(axis=-1))


class _Walk(NamedTuple):
    """The active sets as Python numbers, the way `Model.predict` walks them.

    The tables are restated in terms of the unconstrained solution, which the walk starts from:
    what it needs first is then a sum over the ticked interests and nothing more.

    Attributes:
        columns: for each component, interest -> its part of the unconstrained solution.
        rows: for each set, by its bits, the table that takes the unconstrained solution to the
            set's values.
        scales: for each set, by its bits, the scales of its components, 0.0 outside it.
        steps: how far to walk before leaving the profile to `weights`; 0 where W is not unique,
            since it would depend on the way which solution is met.
    """

    columns: tuple[Callable[[str], float], ...]
    rows: list[tuple[Row, ...]]
    scales: list[Row]
    steps: int

    @classmethod
    def over(cls, sets: ActiveSets, interests: tuple[str, ...]) -> "_Walk":
        k = len(sets.scales)
        cosines = sets.units @ sets.units.T
        free = np.linalg.solve(cosines, sets.units) if sets.unique else sets.units
        columns = tuple(_Column(zip(interests, row, strict=True)) for row in free.tolist())
        rows = [_rows(-cosines)] * 2**k
        scales = [(0.0,) * k] * 2**k
        by_bits = (sets.supports @ (1 << np.arange(k))).tolist()
        tables = sets.tables @ cosines
        for bits, table, inside in zip(by_bits, tables, sets.supports, strict=True):
            rows[bits] = _rows(table)
            scales[bits] = tuple(np.where(inside, sets.scales, 0.0).tolist())
        getters = tuple(column.__getitem__ for column in columns)
        return cls(getters, rows, scales, steps=4 * k if sets.unique else 0)


def _rows(table: Array) -> tuple[Row, ...]:
    return tuple(map(tuple, table.tolist()))
