"""What the options of `model train` and `model evaluate` take."""

from datetime import datetime
from typing import Any

import click

FEWEST_CLUSTERS, MOST_CLUSTERS = 2, 12


class Clusters(click.ParamType[int | None]):
    """A number of clusters, or auto, which is None."""

    name = "K|auto"

    def convert(self, value: Any, param: Any, ctx: Any) -> int | None:
        if value == "auto":
            return None
        if not str(value).isdecimal() or not FEWEST_CLUSTERS <= int(value) <= MOST_CLUSTERS:
            self.fail(f"{value!r} is neither auto nor a number from 2 to 12", param, ctx)
        return int(value)


class Range(click.ParamType[range]):
    """Numbers of clusters: "4", or "3-8"."""

    name = "K|K-K"

    def convert(self, value: Any, param: Any, ctx: Any) -> range:
        if isinstance(value, range):
            return value
        first, _, last = str(value).partition("-")
        are_numbers = all(end.isdecimal() for end in (first, last or first))
        ks = range(int(first), int(last or first) + 1) if are_numbers else range(0)
        if not ks or ks[0] < FEWEST_CLUSTERS or ks[-1] > MOST_CLUSTERS:
            self.fail(f"{value!r} is no number or range within 2-12, as 3-8", param, ctx)
        return ks


class Time(click.ParamType[datetime]):
    """ISO 8601; UTC unless it says otherwise."""

    name = "TIME"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        from model.training.train import time_of

        try:
            return time_of(value)
        except ValueError:
            self.fail(f"{value!r} is no time in ISO 8601, as 2024-05-06T07:08:09", param, ctx)
