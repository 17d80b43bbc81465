"""Exact non-negative least squares against fixed components, by active sets prepared in advance.

The problem: for a profile x, the weights W >= 0 that minimise ||x - W H||. By the
Karush-Kuhn-Tucker conditions (Lawson & Hanson, Solving Least Squares Problems, 1974, ch. 23) W
solves it if and only if, S being the components with a weight (the active set): W restricted to
S is the ordinary least squares solution, none of it negative, and no component outside S would
lower the error if it were given a weight. When the rows of H are linearly independent the
problem is strictly convex, so exactly one W does. For a few components every S can be solved
beforehand, and a profile only has to find the S whose conditions it meets.

Both conditions are linear in the projections c = U x (U: the rows of H at unit length). So each
S becomes one (k, k) table T, and T c holds, at i in S, the weight of component i, and at i
outside S, how much the error would grow with it. S is right if and only if min(T c) >= 0.
"""

from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

MAX_COMPONENTS = 12

# How far below zero, relative to the profile's largest projection, rounding may push a value that
# is exactly zero.
TOLERANCE = 1e-12

# A weight of at least this share of the largest ties with it: the stored factors, of 12 digits,
# cannot tell the two apart.
TIE = 1 - 1e-9

# Smallest eigenvalue of the cosine matrix at which components count as linearly independent.
INDEPENDENT = 1e-10

# Numbers that weights_many holds at a time: 32 MiB of them.
CHUNK = 4 * 2**20


class ActiveSets:
    """Every active set of some components, solved.

    Where components are linearly dependent (two of them proportional, one all zeros) the sets
    that contain the dependence are left out: a solution without them always exists. W is then
    not unique; the smallest set of the lowest-numbered components is taken.

    Memory: 8 k^2 bytes for each of up to 2^k - 1 sets: 2 kB at k = 4, 131 kB at k = 8, 4.7 MB at
    k = 12, whatever the number of interests.

    Attributes:
        units: (k, m), the components at unit length.
        scales: (k,), what turns a weight of a unit row into one of the component's own row.
        supports: (s, k), bool, the components in each set; smallest sets first.
        tables: (s, k, k), T of each set, as the module's docstring defines it.
    """

    __slots__ = ("_stacked", "scales", "supports", "tables", "units")

    def __init__(self, components: ArrayLike) -> None:
        """Solve every active set of `components`, (k, m) with k up to 12.

        Raises:
            ValueError: more than 12 components or none, a negative or non-finite number, or
                nothing but zeros.
        """
        rows = np.array(components, dtype=np.float64)
        if rows.ndim != 2 or not 1 <= len(rows) <= MAX_COMPONENTS:
            raise ValueError(f"components must be a matrix of 1 to {MAX_COMPONENTS} rows")
        with np.errstate(over="ignore"):
            lengths = np.linalg.norm(rows, axis=1)
        solid = lengths >= np.finfo(np.float64).tiny
        if not (np.isfinite(lengths).all() and (rows >= 0).all() and solid.any()):
            raise ValueError("components must be finite, non-negative and not all zero")
        self.scales: Array = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=solid)
        self.units: Array = rows * self.scales[:, None]
        self.supports, tables = _solve_all(self.units @ self.units.T)
        # One matrix, the first rows of all tables before the second rows of all: `choose` takes
        # its minimum over whole planes, several times faster than over rows of k numbers.
        by_row = np.ascontiguousarray(tables.transpose(1, 0, 2))
        self._stacked: Array = by_row.reshape(-1, len(rows))
        self.tables: Array = by_row.transpose(1, 0, 2)

    @property
    def unique(self) -> bool:
        """Whether the components are linearly independent, so that W is unique."""
        return bool(self.supports[-1].all())

    def choose(self, projections: Array) -> tuple[NDArray[np.intp], Array]:
        """The set of each profile, and its values.

        Args:
            projections: (n, k), `profiles @ units.T`.

        Returns:
            (n,) positions in `tables`, and (n, k), T c of that set.
        """
        k, n = len(self.scales), len(projections)
        values = (self._stacked @ projections.T).reshape(k, -1, n)
        lowest = values.min(axis=0)
        meets = lowest >= -TOLERANCE * projections.max(axis=1)
        # Components nearly parallel can leave every set just outside the tolerance: the nearest.
        sets = np.where(meets.any(axis=0), meets.argmax(axis=0), lowest.argmax(axis=0))
        return sets, values[:, sets, np.arange(n)].T

    def weights(self, profile: Array) -> Array:
        """Return the exact weights W (k,) of one profile (m,) of 0/1."""
        (chosen,), values = self.choose((self.units @ profile)[None])
        weights: Array = (values[0] * self.supports[chosen]).clip(min=0) * self.scales
        return weights

    def weights_many(self, profiles: ArrayLike) -> Array:
        """Return the exact weights of many profiles, in at most about 64 MiB of memory at a time.

        Args:
            profiles: (n, m) of 0/1, of any numeric or boolean type.

        Returns:
            (n, k) weights W.
        """
        given = np.asarray(profiles)
        weights = np.empty((len(given), len(self.scales)))
        step = max(1, CHUNK // max(self.supports.size, self.units.shape[1]))
        for start in range(0, len(given), step):
            part = given[start : start + step].astype(np.float64)
            sets, values = self.choose(part @ self.units.T)
            inside = self.supports[sets]
            weights[start : start + step] = np.where(inside, values, 0.0).clip(min=0) * self.scales
        return weights

    def solution(self, profile: Array) -> Array:
        """The linear map that gives this profile its weights: W = solution @ x.

        It is exact for every profile with the same active set, so its entries say what each
        interest contributes.

        Args:
            profile: (m,) of 0/1.

        Returns:
            (k, m); the rows of components outside the active set are zero.
        """
        (chosen,), _ = self.choose((self.units @ profile)[None])
        inside = np.where(self.supports[chosen], self.scales, 0.0)
        solution: Array = inside[:, None] * (self.tables[chosen] @ self.units)
        return solution


def _solve_all(cosines: Array) -> tuple[NDArray[np.bool_], Array]:
    """The supports and tables of every linearly independent set, smallest sets first."""
    k = len(cosines)
    identity = np.eye(k)
    supports, tables = [], []
    for size in range(1, k + 1):
        members = np.array(list(combinations(range(k), size)))
        squares = cosines[members[:, :, None], members[:, None, :]]
        independent = np.linalg.eigvalsh(squares)[:, 0] > INDEPENDENT
        members, squares = members[independent], squares[independent]
        spread = identity[members]
        solved = spread.transpose(0, 2, 1) @ np.linalg.inv(squares) @ spread
        inside = spread.any(axis=1)
        supports.append(inside)
        tables.append(np.where(inside[:, :, None], solved, cosines @ solved - identity))
    return np.concatenate(supports), np.concatenate(tables)


def leader(weights: Array) -> NDArray[np.intp]:
    """The rule: (..., k) weights to the position of the largest; a tie goes to the first."""
    return np.asarray((weights >= weights.max(axis=-1, keepdims=True) * TIE).argmax(axis=-1))
