"""`model drift`: compares each month's new users with the people that the model was trained on.

The users' interests are those stored now. The shares of the clusters are compared by Pearson's
chi-square test on the table of two rows (training, month), both being samples. Its p-value shows
whether a difference is more than chance; with many users every difference is, so Cramér's V shows
how large it is (0: the same shares; 1: no cluster in common). The rows' sizes differ a
thousandfold, which alone would push V to 0, so V is taken of the table of shares, where both rows
weigh the same, and does not depend on the number of users.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from app.domain.clusters.member_batches import Batch, read_batches
from app.infra.database import Database
from model.nnls import Array, leader
from model.predict import Model

Progress = Callable[[str, int], None]

# Months with fewer users raise no alarm, whatever the test's result.
MIN_USERS = 200
# The smallest V that Cohen calls an effect (Statistical Power Analysis, 1988, ch. 7).
MIN_ALARM_V = 0.1
MAX_ALARM_P = 0.01


@dataclass(frozen=True, slots=True)
class MonthReport:
    """The users whose first join was in a month.

    `users`: those with an interest that the model knows. `shares`: of these users, by cluster.
    `unknown_interests`: the share of all selected interests that the model does not know. `margin`:
    mean difference of the largest weight and the second. `verdict`: "", "too few" or "drift".
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
class DriftReport:
    """The training data of a model and the months since, in order."""

    model_id: str
    training_users: int
    training_shares: dict[str, float]
    months: list[MonthReport]


@dataclass(slots=True)
class _Totals:
    """The totals of a month; `counts` (k): users by cluster."""

    counts: NDArray[np.int64]
    margins: float = 0.0
    selected: int = 0
    unknown: int = 0


@dataclass(slots=True)
class _MonthlyTotals:
    model: Model
    by_month: dict[date, _Totals] = field(default_factory=dict)

    def add(self, batch: Batch) -> None:
        k = len(self.model.cluster_ids)
        known = frozenset(self.model.interests)
        best, margins = leader(batch.weights), _margins(batch.weights)
        has_cluster = batch.weights.max(axis=1) > 0
        months = np.array([member.month for member in batch.members], dtype="datetime64[M]")
        for member in batch.members:
            totals = self.by_month.setdefault(member.month, _Totals(np.zeros(k, dtype=np.int64)))
            totals.selected += len(member.interests)
            totals.unknown += len(set(member.interests) - known)
        for month in np.unique(months):
            rows = (months == month) & has_cluster
            totals = self.by_month[month.astype(date)]
            totals.counts += np.bincount(best[rows], minlength=k)
            totals.margins += float(margins[rows].sum())


def measure_drift(database: Database, model: Model, progress: Progress) -> DriftReport:
    """Return each month's new users beside the training data.

    Raises DatabaseUnavailable.
    """
    monthly = _MonthlyTotals(model)
    for batch, batches in read_batches(database, model):
        monthly.add(batch)
        progress("reading members", batches)
    sizes = model.metrics["cluster_sizes"]
    training = np.array([sizes[str(number)] for number in model.cluster_ids], dtype=np.int64)
    return DriftReport(
        model.id,
        int(training.sum()),
        _by_number(model, training / training.sum()),
        [_report(model, *item, training) for item in sorted(monthly.by_month.items())],
    )


def compare(training: NDArray[np.int64], counts: NDArray[np.int64]) -> tuple[float, float]:
    """Return Cramér's V of the shares of two samples' clusters (k counts each), and the p-value."""
    from scipy.stats import chi2_contingency

    table = np.array([training, counts])
    table = table[:, table.any(axis=0)]
    if table.shape[1] < 2:
        return 0.0, 1.0
    p_value = chi2_contingency(table, correction=False).pvalue
    one, other = table / table.sum(axis=1, keepdims=True)
    return float(np.sqrt(((one - other) ** 2 / (one + other)).sum() / 2)), float(p_value)


def _report(model: Model, month: date, totals: _Totals, training: NDArray[np.int64]) -> MonthReport:
    users = int(totals.counts.sum())
    v, p_value = compare(training, totals.counts) if users else (None, None)
    verdict = ""
    if users < MIN_USERS:
        verdict = "too few"
    elif v is not None and p_value is not None and v >= MIN_ALARM_V and p_value < MAX_ALARM_P:
        verdict = "drift"
    return MonthReport(
        month=f"{month:%Y-%m}",
        users=users,
        shares=_by_number(model, totals.counts / max(users, 1)),
        unknown_interests=totals.unknown / max(totals.selected, 1),
        margin=totals.margins / max(users, 1),
        cramers_v=v,
        p_value=p_value,
        verdict=verdict,
    )


def _margins(weights: Array) -> Array:
    """Return the largest of k weights less the second, (n)."""
    if weights.shape[1] == 1:
        margins: Array = weights[:, 0]
        return margins
    ordered = np.sort(weights, axis=1)
    gaps: Array = ordered[:, -1] - ordered[:, -2]
    return gaps


def _by_number(model: Model, shares: NDArray[np.float64]) -> dict[str, float]:
    return dict(zip(map(str, model.cluster_ids), shares.tolist(), strict=True))
