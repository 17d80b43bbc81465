"""The weights of one profile, exact, in plain Python numbers.

The problem and the conditions of its solution are those of `model.nnls`, which solves many profiles
at once. A request brings one, of a handful of components: numpy's calls take longer than arithmetic
on so few numbers, and a process that only answers requests need not load numpy at all.

The way to the active set is block principal pivoting (Portugal, Júdice & Vicente, Math. Comp. 63,
1994): from the set of all components, exchanging those that violate their condition, until none
does; one to three steps for four components. Where it arrives is right however it got there,
because the solution is unique.
"""

import math
import sys
from collections.abc import Iterable, Sequence
from operator import mul
from typing import NamedTuple

Row = tuple[float, ...]

MAX_COMPONENTS = 12

# How far below zero, in parts of the profile's largest projection, rounding may push a value
# that is zero in truth.
TOLERANCE = 1e-12

# A lower bound of the cosine matrix's smallest eigenvalue, from which on rounding in solving with
# it leaves 10 digits. Below, components may depend on each other, and W may not be unique.
WELL_APART = 1e-6


class _Set(NamedTuple):
    """An active set, solved. Its values are `rows` times the unconstrained solution: at a component
    inside, its weight for a row of unit length; at one outside, how much the error would grow with
    it. `scales` turn values into weights, 0.0 outside."""

    rows: list[Row]
    scales: Row


class _Sets(dict[int, _Set]):
    """The active sets met so far, by their components' bits."""

    def __init__(self, cosines: list[list[float]], scales: Row) -> None:
        super().__init__()
        self._cosines, self._scales = cosines, scales

    def __missing__(self, bits: int) -> _Set:
        k = len(self._cosines)
        inside = [i for i in range(k) if bits >> i & 1]
        square = [[self._cosines[i][j] for j in inside] for i in inside]
        solved = dict(zip(inside, _solve(square, [self._cosines[i] for i in inside]), strict=True))
        rows = []
        for i, own in enumerate(self._cosines):
            if i in solved:
                rows.append(tuple(solved[i]))
            else:
                told = [sum(own[s] * solved[s][j] for s in inside) for j in range(k)]
                rows.append(tuple(a - b for a, b in zip(told, own, strict=True)))
        scales = tuple(scale if i in solved else 0.0 for i, scale in enumerate(self._scales))
        made = self[bits] = _Set(rows, scales)
        return made


class _Parts(dict[str, Row]):
    """What each interest adds to the unconstrained solution; an unknown one adds nothing."""

    def __init__(self, nothing: Row) -> None:
        super().__init__()
        self._nothing = nothing

    def __missing__(self, interest: str) -> Row:
        return self._nothing


class Walk:
    """Takes profiles to their active sets; a set is solved when a profile first meets it.

    Memory: 8 k^2 bytes and some for each set met.
    """

    __slots__ = ("_all", "_nothing", "_part", "_sets", "_steps")

    def __init__(self, components: Sequence[Row], interests: Sequence[str]) -> None:
        """For `components` of k rows, each with a number for each of the interests.

        Raises ValueError: no component or more than 12, a negative or non-finite number, or nothing
        but zeros.
        """
        k = len(components)
        if not 1 <= k <= MAX_COMPONENTS:
            raise ValueError(f"components must be a matrix of 1 to {MAX_COMPONENTS} rows")
        # Where squares overflow, model.nnls would refuse them too.
        lengths = [math.sqrt(sum(x * x for x in row)) for row in components]
        solid = [length >= sys.float_info.min for length in lengths]
        finite = all(map(math.isfinite, lengths))
        if not (finite and any(solid) and all(x >= 0 for row in components for x in row)):
            raise ValueError("components must be finite, non-negative and not all zero")
        scales = tuple(
            1.0 / length if is_solid else 0.0
            for length, is_solid in zip(lengths, solid, strict=True)
        )
        units = [[x * scale for x in row] for row, scale in zip(components, scales, strict=True)]
        cosines = [[math.fsum(map(mul, a, b)) for b in units] for a in units]
        inverse = _inverse_if_well_apart(cosines)
        self._nothing = (0.0,) * k
        parts = _Parts(self._nothing)
        if inverse:
            for interest, column in zip(interests, zip(*units, strict=True), strict=True):
                parts[interest] = tuple(math.fsum(map(mul, row, column)) for row in inverse)
        # Bound once: it is asked for each interest of each request.
        self._part = parts.__getitem__
        self._sets = _Sets(cosines, scales)
        self._all = 2**k - 1
        self._steps = 4 * k if inverse else 0

    def arrive(self, profile: Iterable[str]) -> tuple[list[float], list[Row]] | None:
        """The weights of the interests, each told once, and the rows of their active set.

        Unknown interests are ignored. None where this is no way to the weights: W is not unique, or
        rounding sent the walk in a circle.
        """
        free = values = list(map(sum, zip(self._nothing, *map(self._part, profile), strict=False)))
        floor = -TOLERANCE * max(free)
        sets, bits = self._sets, self._all
        for _ in range(self._steps):
            if min(values) >= floor:
                rows, scales = sets[bits]
                return list(map(mul, values, scales)), rows
            for i, value in enumerate(values):
                if value < floor:
                    bits ^= 1 << i
            values = [sum(map(mul, row, free)) for row in sets[bits].rows]
        return None

    def contributions(self, row: Row, known: Iterable[str]) -> list[float]:
        """What each interest contributes to the value that a row of an active set makes."""
        return [sum(map(mul, row, self._part(interest))) for interest in known]


def _inverse_if_well_apart(cosines: list[list[float]]) -> list[list[float]]:
    """The inverse of the components' cosines; empty where they are not WELL_APART.

    Its Frobenius norm is at least the inverse of the smallest eigenvalue, and a pivot at least that
    eigenvalue.
    """
    k = len(cosines)
    try:
        inverse = _solve(cosines, [[float(i == j) for j in range(k)] for i in range(k)])
    except ZeroDivisionError:
        return []
    return inverse if math.hypot(*(x for row in inverse for x in row)) < 1 / WELL_APART else []


def _solve(square: list[list[float]], right: list[list[float]]) -> list[list[float]]:
    """X of `square` X = `right`, by elimination; a positive definite matrix needs no pivoting
    (Higham, Accuracy and Stability of Numerical Algorithms, 2002, ch. 10)."""
    rows = [[*a, *b] for a, b in zip(square, right, strict=True)]
    for i, pivot in enumerate(rows):
        head = pivot[i]
        pivot[:] = [x / head for x in pivot]
        for row in rows[:i] + rows[i + 1 :]:
            factor = row[i]
            row[:] = [x - factor * y for x, y in zip(row, pivot, strict=True)]
    return [row[len(square) :] for row in rows]
