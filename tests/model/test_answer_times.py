"""The times of a form's answers, in the formats of forms and spreadsheets."""

from datetime import UTC, datetime

import pytest

from model.training.answer_times import last_time
from model.training.errors import TrainingDataError

MORNING = datetime(2021, 10, 24, 10, 15, tzinfo=UTC)
SPELLINGS = [
    "10/24/2021 10:15:00",
    "24/10/2021 10:15:00",
    "24/10/2021 10:15",
    "24.10.2021, 10:15:00",
    "24-10-2021 10:15:00",
    "2021-10-24 10:15:00",
    "2021-10-24T10:15:00",
    "2021-10-24T10:15:00.250Z",
    "2021-10-24T12:15:00+02:00",
    "2021-10-24T05:45-0430",
    "2021/10/24 10:15:00 a. m. UTC",
    "2021/10/24 12:15:00 p. m. CEST",
    "2021/10/24 12:15:00\u202fp.\u00a0m. CEST",
    "2021/10/24 12:15:00 PM GMT+2",
    "2021/10/24 6:15:00 AM EDT",
    "10/24/2021 10:15:00 AM",
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_a_time_is_read_as_other_systems_write_it(text: str) -> None:
    assert last_time([text]) == MORNING


@pytest.mark.parametrize(
    ("clock", "hour"), [("12:00 a. m.", 0), ("12:00 PM", 12), ("6:22:03 p. m.", 18)]
)
def test_noon_and_midnight_are_not_mixed_up(clock: str, hour: int) -> None:
    time = last_time([f"2021/10/24 {clock}"])
    assert time
    assert time.hour == hour


@pytest.mark.parametrize(
    ("other", "month", "day"), [("25/10/2021 9:00:00", 11, 9), ("10/25/2021 9:00:00", 9, 11)]
)
def test_one_time_of_a_file_decides_day_and_month_of_all(other: str, month: int, day: int) -> None:
    first, last = "9/11/2021 10:15:00", datetime(2021, month, day, 10, 15, tzinfo=UTC)
    assert last_time([first, other]) == max(last, datetime(2021, 10, 25, 9, tzinfo=UTC))
    assert last_time([other, "9/11/2022 0:00:00"]) == datetime(2022, month, day, tzinfo=UTC)


@pytest.mark.parametrize("texts", [["9/11/2021 10:15:00"], ["1/2/2021 1:00", "3/4/2021 1:00"]])
def test_times_that_cannot_decide_are_an_error_that_says_so(texts: list[str]) -> None:
    with pytest.raises(TrainingDataError, match="tells the day from the month"):
        last_time(texts)


def test_times_whose_last_is_the_same_either_way_need_no_decision() -> None:
    assert last_time(["1/2/2021 9:00", "", "9/9/2021 9:00"]) == datetime(2021, 9, 9, 9, tzinfo=UTC)


def test_a_file_that_writes_both_orders_is_an_error_that_says_so() -> None:
    with pytest.raises(TrainingDataError, match="in some times of the file, the month in others"):
        last_time(["24/10/2021 9:00", "10/24/2021 9:00"])


@pytest.mark.parametrize(
    "text", ["yesterday", "13/13/2021 9:00", "24/10/21 9:00", "2021-10-24 25:00", "1634" * 99]
)
def test_a_time_that_cannot_be_read_is_an_error(text: str) -> None:
    with pytest.raises(TrainingDataError, match="cannot be read"):
        last_time(["24/10/2021 9:00", text])


def test_a_file_without_times_has_no_last_one() -> None:
    assert last_time(["", " "]) is None
