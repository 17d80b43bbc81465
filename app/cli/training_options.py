"""Types of the options of `model train` and `model evaluate`."""

from datetime import datetime
from typing import Any

import click

from model.training.cluster_counts import CLUSTER_COUNTS, MAX_CLUSTERS, MIN_CLUSTERS

LIMITS = f"{MIN_CLUSTERS}-{MAX_CLUSTERS}"


class ClusterCountType(click.ParamType[int | None]):
    """A number of clusters, or auto, which is None."""

    name = "K|auto"

    def convert(self, value: Any, param: Any, ctx: Any) -> int | None:
        if value == "auto":
            return None
        if not str(value).isdecimal() or int(value) not in CLUSTER_COUNTS:
            self.fail(f"{value!r} is neither auto nor a number within {LIMITS}", param, ctx)
        return int(value)


class ClusterRangeType(click.ParamType[range]):
    """Numbers of clusters: "4" or "3-8"."""

    name = "K|K-K"

    def convert(self, value: Any, param: Any, ctx: Any) -> range:
        if isinstance(value, range):
            return value
        first, _, last = str(value).partition("-")
        are_numbers = all(end.isdecimal() for end in (first, last or first))
        ks = range(int(first), int(last or first) + 1) if are_numbers else range(0)
        if not ks or ks[0] < MIN_CLUSTERS or ks[-1] > MAX_CLUSTERS:
            self.fail(f"{value!r} is not a number or range within {LIMITS}", param, ctx)
        return ks


class DateTimeType(click.ParamType[datetime]):
    """An ISO 8601 date and time; UTC without an offset."""

    name = "TIME"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        from model.training.train import parse_time

        try:
            return parse_time(value)
        except ValueError:
            self.fail(f"{value!r} is not ISO 8601, such as 2024-05-06T07:08:09", param, ctx)
