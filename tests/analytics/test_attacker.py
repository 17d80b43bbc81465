"""What an attacker learns who compares the answers of each day with those of the day before."""

from itertools import islice

import pytest

from tests.support.attack import Traces, World, attack
from tests.support.databases import Server

ATTRIBUTES = ("town", "cluster", "interest", "month")
DAYS, NEWCOMERS, ERASED, OTHERS = 21, 12, 4, 15
MAX_LEARNED = 0.05


@pytest.fixture(scope="module")
def traces(server: Server) -> tuple[Traces, Traces]:
    """What is learned of newcomers and of erased people."""
    came, gone = Traces(), Traces()
    with server.copy_of_demo() as url:
        for came_today, gone_today in islice(
            attack(World(url, seed=1), NEWCOMERS, ERASED, OTHERS), DAYS
        ):
            came.add(came_today)
            gone.add(gone_today)
    return came, gone


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


def test_the_attacker_would_find_people_in_counts_of_the_members_themselves(server: Server) -> None:
    """Without the publication's rules the same attack learns most: it can fail."""
    came = Traces()
    with server.copy_of_demo() as url:
        world = World(url, seed=1)
        world.is_careless = True
        for came_today, _ in islice(attack(world, NEWCOMERS, ERASED, OTHERS), 3):
            came.add(came_today)
    assert came.learned("town", "cluster", "interest") > 0.3
