"""The script that breaks a Citus cluster: what it calls broken, without a cluster."""

from typing import Any

from benchmarks.citus_faults import ITS_USERS, NEW_PLACES, OTHERS, Outcome
from tests.support.returning_clients import ReturningClients
from tests.support.routers import unreliable

RETRY_LATER = 503, {"Retry-After": "1"}


def outcome(**changed: Any) -> Outcome:
    """Return what a worker that was killed may do; `changed`: other fields."""
    fields: dict[str, Any] = {
        "fault": "killed",
        "may_refuse": (ITS_USERS, NEW_PLACES),
        "seconds": 15.0,
        "acknowledged": 1000,
        "joined_meanwhile": 500,
        "lost": 0,
        "failed": 0,
        "reset": 0,
        "refused": {ITS_USERS: 100, NEW_PLACES: 10, OTHERS: 0},
        "back_s": 0.1,
        "longest_wait_s": 0.2,
        "livez_s": 0.1,
        "doubles": 0,
        "differences": 0,
        "recovered": 2,
        "left_prepared": 0,
        "reasons": {},
        "failures": [],
    }
    return Outcome(**(fields | changed))


def test_a_dead_worker_may_refuse_its_users_and_new_places() -> None:
    assert outcome().broken() == []


def test_a_refused_user_of_another_worker_breaks_a_promise() -> None:
    refused = {ITS_USERS: 100, NEW_PLACES: 10, OTHERS: 1}
    assert outcome(refused=refused).broken() == ["killed: 1 503 for others"]


def test_a_503_while_shards_are_moved_breaks_a_promise() -> None:
    refused = {ITS_USERS: 1, NEW_PLACES: 0, OTHERS: 0}
    broken = outcome(fault="moved", may_refuse=(), refused=refused).broken()
    assert broken == ["moved: 1 503 for its users"]


def test_lost_joins_doubles_and_a_late_return_break_promises() -> None:
    broken = outcome(lost=1, failed=2, doubles=3, left_prepared=4, back_s=2.5).broken()
    assert broken == [
        "killed: 1 acknowledged joins lost",
        "killed: 2 failures that are no 503 with Retry-After",
        "killed: 3 users in two rooms, or pairs with two",
        "killed: 4 prepared transactions left",
        "killed: 503 until 2.5 s after its end",
    ]


def test_a_refused_user_comes_again_while_others_join() -> None:
    with unreliable(RETRY_LATER, (200, {})) as (url, requests):
        with ReturningClients(url, clients=1) as clients:
            clients.wait_for_joins(3)
        (refusal,) = clients.refusals
        assert refusal.user in clients.acknowledged
        assert refusal.user in requests[0][1]
        assert refusal.user not in requests[1][1]
        assert clients.faults == []
