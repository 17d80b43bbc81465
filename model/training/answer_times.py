"""Reads the times of a form's answers, in the formats that forms and spreadsheets write.

10/24/2021 17:21:42, 24/10/2021 17:21, 2021/10/24 6:22:03 p. m. CEST, 2021-10-24T17:21:42+02:00.
Whether the day or the month comes first is decided by all times of a file together.
"""

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

from model.training.errors import TrainingDataError

TIME = re.compile(
    r"(?P<date>\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4})"
    r"(?:[T,\s]+(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,]\d+)?)?"
    r"(?:\s*(?P<half>[ap])\.?\s*m\b\.?)?"
    r"\s*(?P<zone>[A-Z]{1,5})?"
    r"\s*(?:(?P<sign>[+-])(?P<hours>\d\d?)(?::?(?P<minutes>\d\d))?)?)?",
    re.IGNORECASE,
)
# Hours east of UTC. Times with another abbreviation, or without any, are read as UTC.
ZONES = {"WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3}
ZONES |= {"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7}


class ReadTime(NamedTuple):
    """A time in both orders of day and month; None: no such date."""

    text: str
    month_first: datetime | None
    day_first: datetime | None


def last_time(texts: Sequence[str]) -> datetime | None:
    """Return the latest of the times, in UTC, or None without times.

    Raises TrainingDataError if one cannot be read, or if nothing tells the day from the month.
    """
    times = [_read(text) for text in texts if text.strip()]
    for time in times:
        if not (time.month_first or time.day_first):
            raise TrainingDataError(f"the time of an answer cannot be read: {time.text[:40]!r}")
    orders = [[time.month_first for time in times], [time.day_first for time in times]]
    last = {max(order) for order in map(_whole, orders) if order}
    if len(last) > 1:
        text = next(time.text for time in times if time.month_first != time.day_first)
        raise TrainingDataError(f"no time of the file tells the day from the month, as in {text!r}")
    if times and not last:
        raise TrainingDataError(
            "the day comes first in some times of the file, the month in others"
        )
    return last.pop() if last else None


def _whole(order: list[datetime | None]) -> list[datetime]:
    """Return the times of an order in which all can be read, else none."""
    times = [time for time in order if time]
    return times if len(times) == len(order) else []


def _read(text: str) -> ReadTime:
    # NFKC: forms write narrow and unbreakable spaces before "p. m.".
    found = TIME.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if not found:
        return ReadTime(text, None, None)
    first, second, third = re.split("[-/.]", found["date"])
    if len(first) == 4:
        time = _time(found, first, second, third)
        return ReadTime(text, time, time)
    if len(third) != 4:  # of two digits the year could be either
        return ReadTime(text, None, None)
    return ReadTime(text, _time(found, third, first, second), _time(found, third, second, first))


def _time(found: re.Match[str], year: str, month: str, day: str) -> datetime | None:
    hour = int(found["hour"] or 0)
    if found["half"] and hour <= 12:
        hour = hour % 12 + 12 * (found["half"].lower() == "p")
    clock = hour, int(found["minute"] or 0), int(found["second"] or 0)
    try:
        time = datetime(int(year), int(month), int(day), *clock, tzinfo=_zone(found))
        return time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _zone(found: re.Match[str]) -> timezone:
    hours = ZONES.get((found["zone"] or "").upper(), 0)
    if found["sign"]:
        distance = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"] or 0))
        return timezone(-distance if found["sign"] == "-" else distance)
    return timezone(timedelta(hours=hours))
