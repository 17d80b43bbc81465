"""What an attacker learns who compares the answers of each day with those of the day before."""

from collections.abc import Iterator
from itertools import islice

import pytest

from tests.support.attack import Traces, World, attack, live
from tests.support.databases import Server

ATTRIBUTES = ("town", "cluster", "interest", "month")
DAYS, NEWCOMERS, ERASED, OTHERS = 21, 12, 4, 15
MAX_LEARNED = 0.05


# People by whom a figure may be wrong: a change that waits for its lot, and rounding.
MAX_ERROR = 50 + 3
FIGURES = """
    SELECT members_from_here AS shown, count(*) AS people
    FROM analytics.cities JOIN memberships USING (city_id)
    WHERE members_from_here IS NOT NULL GROUP BY city_id, 1
    UNION ALL
    SELECT members, count(*)
    FROM analytics.rooms JOIN memberships USING (room_id) GROUP BY room_id, 1
"""


@pytest.fixture(scope="module")
def world(server: Server) -> Iterator[World]:
    """The demo population."""
    with server.copy_of_demo() as url:
        yield World(url, seed=1)


@pytest.fixture(scope="module")
def traces(world: World) -> tuple[Traces, Traces]:
    """What is learned of newcomers and of erased people."""
    days = list(islice(live(world, NEWCOMERS, ERASED, OTHERS), DAYS))
    return attack(days, world.random)


def test_of_newcomers_in_small_towns_nearly_nothing_is_learned(
    traces: tuple[Traces, Traces],
) -> None:
    came, _ = traces
    assert len(came.of_targets) >= 240
    assert came.learned("town", "cluster", "interest") <= MAX_LEARNED


def test_of_erased_people_nearly_nothing_is_learned(traces: tuple[Traces, Traces]) -> None:
    _, gone = traces
    assert len(gone.of_targets) >= 70
    assert gone.learned(*ATTRIBUTES) <= MAX_LEARNED


def test_after_weeks_of_publications_no_figure_is_far_from_the_truth(
    world: World, traces: tuple[Traces, Traces]
) -> None:
    wrong = [abs(shown - people) for shown, people in world.sql(FIGURES)]
    assert len(wrong) > 700
    assert max(wrong) <= MAX_ERROR
    assert sum(wrong) / len(wrong) < 3
    ((shown,),) = world.sql("SELECT sum(members) FROM analytics.rooms")
    ((people,),) = world.sql("SELECT count(*) FROM memberships")
    # What the batches of a growing population hold back.
    assert 0.95 * people < shown < people * 1.01


def test_the_attacker_would_find_people_in_counts_of_the_members_themselves(world: World) -> None:
    """Without the publication's rules the same attack learns most: it can fail."""
    world.is_careless = True
    days = list(islice(live(world, NEWCOMERS, ERASED, OTHERS), 3))
    came, _ = attack(days, world.random)
    assert came.learned("town", "cluster", "interest") > 0.3
