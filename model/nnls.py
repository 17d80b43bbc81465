"""Exact non-negative least squares against fixed components, by active sets prepared in advance.

The problem: for a profile x, find the weights W >= 0 that minimise ||x - W H||. Let S, the active
set, be the components with a positive weight. By the Karush-Kuhn-Tucker conditions (Lawson &
Hanson, Solving Least Squares Problems, 1974, ch. 23) W is a solution if and only if W restricted
to S is the ordinary least squares solution, W is nowhere negative, and a weight for a component
outside S would not lower the error. If the rows of H are linearly independent the problem is
strictly convex, so the solution is unique. For a few components every S can be solved in advance,
and a profile only needs the S whose conditions it meets.

Both conditions are linear in the projections c = U x (U: the rows of H at unit length). So each
S has one (k, k) table T. T c is, at i in S, the weight of component i, and at i outside S, the
growth of the error with that weight. S is the active set if and only if min(T c) >= 0.
"""

from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

MAX_COMPONENTS = 12

# Relative to the profile's largest projection: rounding can push a value of zero this far below 0.
TOLERANCE = 1e-12

# A weight of at least this share of the largest ties with it: the difference is below the precision
# of the stored factors, which have 12 digits.
TIE_RATIO = 1 - 1e-9

# Smallest eigenvalue of the cosine matrix at which components count as linearly independent.
MIN_EIGENVALUE = 1e-10

# Numbers that weights_many holds at a time: 32 MiB.
CHUNK_SIZE = 4 * 2**20


class ActiveSets:
    """The solutions of all active sets of some components.

    Sets of linearly dependent components (two proportional, one all zeros) are skipped: a solution
    without them always exists. W is then not unique, and the first matching set is used: the
    smallest, of the lowest-numbered components.

    Memory: 8 k^2 bytes for each of up to 2^k - 1 sets: 2 kB at k = 4, 131 kB at k = 8, 4.7 MB at
    k = 12, for any number of interests.

    Attributes:
        units: (k, m), the components at unit length.
        scales: (k,), factors from weights of unit rows to weights of the components' own rows.
        supports: (s, k), bool, the components in each set; smallest sets first.
        tables: (s, k, k), T of each set, as the module's docstring defines it.
    """

    __slots__ = ("_inside_scales", "_stacked", "scales", "supports", "tables", "units")

    def __init__(self, components: ArrayLike) -> None:
        """Solve every active set of `components`, (k, m) with k up to 12.

        Raises:
            ValueError: more than 12 components or none, a negative or non-finite number, or
                only zeros.
        """
        rows = np.array(components, dtype=np.float64)
        if rows.ndim != 2 or not 1 <= len(rows) <= MAX_COMPONENTS:
            raise ValueError(f"components must be a matrix of 1 to {MAX_COMPONENTS} rows")
        with np.errstate(over="ignore"):
            lengths = np.linalg.norm(rows, axis=1)
        nonzero = lengths >= np.finfo(np.float64).tiny
        if not (np.isfinite(lengths).all() and (rows >= 0).all() and nonzero.any()):
            raise ValueError("components must be finite, non-negative and not all zero")
        self.scales: Array = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=nonzero)
        self.units: Array = rows * self.scales[:, None]
        self.supports, tables = _solve_all(self.units @ self.units.T)
        self._inside_scales: Array = np.where(self.supports, self.scales, 0.0)
        # One matrix, the first rows of all tables before all second rows: `find` then computes its
        # minimum over whole planes, several times faster than over rows of k numbers.
        by_row = np.ascontiguousarray(tables.transpose(1, 0, 2))
        self._stacked: Array = by_row.reshape(-1, len(rows))
        self.tables: Array = by_row.transpose(1, 0, 2)

    @property
    def unique(self) -> bool:
        """True if the components are linearly independent, so that W is unique."""
        return bool(self.supports[-1].all())

    def find(self, projections: Array) -> tuple[NDArray[np.intp], Array]:
        """Find the active set of each profile.

        Args:
            projections: (n, k), `profiles @ units.T`.

        Returns:
            (n,) positions in `tables`, and (n, k), T c of these sets.
        """
        k, n = len(self.scales), len(projections)
        values = (self._stacked @ projections.T).reshape(k, -1, n)
        lowest = values.min(axis=0)
        is_solution = lowest >= -TOLERANCE * projections.max(axis=1)
        # With nearly parallel components every set can be just outside the tolerance.
        nearest = lowest.argmax(axis=0)
        sets = np.where(is_solution.any(axis=0), is_solution.argmax(axis=0), nearest)
        return sets, values[:, sets, np.arange(n)].T

    def weights(self, profile: Array) -> Array:
        """Return the exact weights W (k,) of one profile (m,) of 0/1.

        The same as `weights_many`, in less than half of the time that its general indexing takes.
        """
        projections = self.units @ profile
        values = (self._stacked @ projections).reshape(len(projections), -1)
        lowest = values.min(axis=0)
        floor = -TOLERANCE * projections.max()
        chosen = int((lowest >= floor).argmax())
        if lowest[chosen] < floor:
            chosen = int(lowest.argmax())  # nearly parallel components: see `find`
        weights: Array = np.maximum(values[:, chosen], 0.0) * self._inside_scales[chosen]
        return weights

    def weights_many(self, profiles: ArrayLike) -> Array:
        """Return the exact weights of many profiles, in at most about 64 MiB of memory at a time.

        Args:
            profiles: (n, m) of 0/1, of any numeric or boolean type.

        Returns:
            (n, k) weights W.
        """
        matrix = np.asarray(profiles)
        weights = np.empty((len(matrix), len(self.scales)))
        step = max(1, CHUNK_SIZE // max(self.supports.size, self.units.shape[1]))
        for start in range(0, len(matrix), step):
            chunk = matrix[start : start + step].astype(np.float64)
            sets, values = self.find(chunk @ self.units.T)
            weights[start : start + step] = values.clip(min=0) * self._inside_scales[sets]
        return weights

    def solution(self, profile: Array) -> Array:
        """Return the linear map from this profile to its weights: W = solution @ x.

        It is exact for every profile with the same active set, so its entries are the exact
        contribution of each interest.

        Args:
            profile: (m,) of 0/1.

        Returns:
            (k, m); the rows of components outside the active set are zero.
        """
        (position,), _ = self.find((self.units @ profile)[None])
        inside = self._inside_scales[position][:, None]
        solution: Array = inside * (self.tables[position] @ self.units)
        return solution


def _solve_all(cosines: Array) -> tuple[NDArray[np.bool_], Array]:
    """Return the supports and tables of every linearly independent set, smallest sets first."""
    k = len(cosines)
    identity = np.eye(k)
    supports, tables = [], []
    for size in range(1, k + 1):
        members = np.array(list(combinations(range(k), size)))
        squares = cosines[members[:, :, None], members[:, None, :]]
        independent = np.linalg.eigvalsh(squares)[:, 0] > MIN_EIGENVALUE
        members, squares = members[independent], squares[independent]
        selection = identity[members]
        solved = selection.transpose(0, 2, 1) @ np.linalg.inv(squares) @ selection
        inside = selection.any(axis=1)
        supports.append(inside)
        tables.append(np.where(inside[:, :, None], solved, cosines @ solved - identity))
    return np.concatenate(supports), np.concatenate(tables)


def leader(weights: Array) -> NDArray[np.intp]:
    """Return the positions (...) of the largest of weights (..., k); the first of a tie."""
    return np.asarray((weights >= weights.max(axis=-1, keepdims=True) * TIE_RATIO).argmax(axis=-1))
