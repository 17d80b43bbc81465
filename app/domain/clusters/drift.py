"""`model drift`: whether the people who come are still those that the model was trained on.

Each month's new users, by their interests as stored now, against the people of the training. The
shares of the clusters are compared by Pearson's chi-square on the table of two rows (training,
month), which knows that both are samples. Its p-value says whether a difference is more than
chance; with many users every difference is, so Cramér's V says how large it is. The rows' sizes
differ a thousandfold, which alone would push V to 0: it is taken of the table of shares, both rows
weighing the same, so that it does not depend on how many came (0: the same shares; 1: no cluster in
common).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from app.domain.clusters.member_batches import Batch, batch_count, count_members, read
from app.infra.database import Database
from model.nnls import Array, leader
from model.predict import Model

# Fewer users than this say nothing, whatever the test gives.
MIN_USERS = 200
# The least that Cohen calls an effect at all (Statistical Power Analysis, 1988, ch. 7).
ALARMING_V = 0.1
ALARMING_P = 0.01


@dataclass(frozen=True, slots=True)
class Month:
    """The users who came in a month.

    `users`: those with an interest that the model knows. `shares`: of them, by cluster.
    `unknown_interests`: the share of all ticked interests that the model does not know. `margin`:
    mean of the leading weight less the runner-up's. `verdict`: "", "too few" or "drift".
    """

    month: str
    users: int
    shares: dict[str, float]
    unknown_interests: float
    margin: float
    cramers_v: float | None
    p_value: float | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Drift:
    """The model's training and the months since, in order."""

    model_id: str
    training_users: int
    training_shares: dict[str, float]
    months: list[Month]


@dataclass(slots=True)
class _Sums:
    """What a month adds up to; counts (k)."""

    counts: NDArray[np.int64]
    margins: float = 0.0
    ticked: int = 0
    unknown: int = 0


@dataclass(slots=True)
class _Months:
    model: Model
    sums: dict[date, _Sums] = field(default_factory=dict)

    def add(self, batch: Batch) -> None:
        k = len(self.model.cluster_ids)
        known = frozenset(self.model.interests)
        best, margins = leader(batch.weights), _margins(batch.weights)
        placed = batch.weights.max(axis=1) > 0
        months = np.array([member.month for member in batch.members], dtype="datetime64[M]")
        for member in batch.members:
            sums = self.sums.setdefault(member.month, _Sums(np.zeros(k, dtype=np.int64)))
            sums.ticked += len(member.interests)
            sums.unknown += len(set(member.interests) - known)
        for month in np.unique(months):
            chosen = (months == month) & placed
            sums = self.sums[month.astype(date)]
            sums.counts += np.bincount(best[chosen], minlength=k)
            sums.margins += float(margins[chosen].sum())


def drift(database: Database, model: Model, progress: Callable[[str, int], None]) -> Drift:
    """Each month's new users beside the training's people.

    Raises DatabaseUnavailable.
    """
    months = _Months(model)
    total = batch_count(count_members(database))
    for batch in read(database, model):
        months.add(batch)
        progress("judging members", total)
    sizes = model.metrics["cluster_sizes"]
    training = np.array([sizes[str(number)] for number in model.cluster_ids], dtype=np.int64)
    return Drift(
        model.id,
        int(training.sum()),
        _by_number(model, training / training.sum()),
        [_month(model, month, sums, training) for month, sums in sorted(months.sums.items())],
    )


def compare(training: NDArray[np.int64], counts: NDArray[np.int64]) -> tuple[float, float]:
    """Cramér's V of the shares of two samples' clusters (k counts each), and the p-value."""
    from scipy.stats import chi2_contingency

    table = np.array([training, counts])
    table = table[:, table.any(axis=0)]
    if table.shape[1] < 2:
        return 0.0, 1.0
    p_value = chi2_contingency(table, correction=False).pvalue
    one, other = table / table.sum(axis=1, keepdims=True)
    return float(np.sqrt(((one - other) ** 2 / (one + other)).sum() / 2)), float(p_value)


def _month(model: Model, month: date, sums: _Sums, training: NDArray[np.int64]) -> Month:
    users = int(sums.counts.sum())
    v, p_value = compare(training, sums.counts) if users else (None, None)
    verdict = ""
    if users < MIN_USERS:
        verdict = "too few"
    elif v is not None and p_value is not None and v >= ALARMING_V and p_value < ALARMING_P:
        verdict = "drift"
    return Month(
        month=f"{month:%Y-%m}",
        users=users,
        shares=_by_number(model, sums.counts / max(users, 1)),
        unknown_interests=sums.unknown / max(sums.ticked, 1),
        margin=sums.margins / max(users, 1),
        cramers_v=v,
        p_value=p_value,
        verdict=verdict,
    )


def _margins(weights: Array) -> Array:
    """(n): the largest of k weights less the second."""
    if weights.shape[1] == 1:
        margins: Array = weights[:, 0]
        return margins
    ordered = np.sort(weights, axis=1)
    gaps: Array = ordered[:, -1] - ordered[:, -2]
    return gaps


def _by_number(model: Model, shares: NDArray[np.float64]) -> dict[str, float]:
    return dict(zip(map(str, model.cluster_ids), shares.tolist(), strict=True))
