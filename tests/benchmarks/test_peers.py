"""Each peer of `make bench-peers` answers like the service."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from benchmarks.peers.servers import COMMANDS, OURS, SHIPPED, missing_reason, start
from tests.support.databases import DELETE_ALL, sql_on
from tests.support.http import session
from tests.support.serving import wait_until

# Fields that mean the same in both.
FIELDS = ("_id", "cluster", "created", "joined", "previous_room_id", "room_id")
SURFER = {"surf": True, "coffee": True, "museums": False}
BODY = {"_id": "6172f1a95cd4", "city": "Sevilla", "country": "ES", "interests": SURFER}
SEQUENCE: list[dict[str, Any]] = [
    BODY,
    BODY,
    BODY | {"_id": "another"},
    BODY | {"city": " madrid "},
    BODY | {"city": "Madrid", "interests": {"theaters": True, "museums": True, "surf": False}},
    BODY | {"city": "Madrid", "interests": {"parties": True, "drinks": True}},
    BODY | {"city": "Madrid", "interests": {"sushi": True, "italian": True, "movies": True}},
    BODY | {"city": "Madrid", "interests": {"running": True, "parks": True, "fitness": True}},
    BODY,
]
INVALID: list[Any] = [
    {},
    [],
    BODY | {"_id": 7},
    BODY | {"_id": "a user"},
    BODY | {"city": " "},
    BODY | {"country": "Spain"},
    BODY | {"interests": {"surf": "yes"}},
    BODY | {"interests": {"surf": False}},
    BODY | {"interests": {"unknown": True}},
]


def answers(url: str) -> list[Any]:
    """Return a server's answers; rooms are numbered in the order in which they come."""
    numbers: dict[int | None, int | None] = {None: None}
    found: list[Any] = []
    with session() as http:
        for body in SEQUENCE:
            response = http.post(f"{url}/rooms", json=body)
            document = response.json()
            for field in ("room_id", "previous_room_id"):
                document[field] = numbers.setdefault(document[field], len(numbers))
            city = {name: document["city"][name] for name in ("id", "name", "country")}
            values = {name: document[name] for name in FIELDS}
            found.append((response.status_code, city, values))
        found += [http.post(f"{url}/rooms", json=body).status_code // 100 for body in INVALID]
        found.append(http.post(f"{url}/rooms", data=b"{").status_code // 100)
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer \xe9"}):
        found.append(requests.post(f"{url}/rooms", json=BODY, headers=headers).status_code)
    return found


@pytest.fixture(scope="module")
def expected(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Any]]:
    """What the service answers."""
    sql_on(database_url)(DELETE_ALL)
    service = start(OURS, SHIPPED, database_url, tmp_path_factory.mktemp("service"))
    yield answers(service.url)
    service.stop()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_peer_answers_like_the_service(
    name: str, expected: list[Any], database_url: str, tmp_path: Path
) -> None:
    if reason := missing_reason(name):
        pytest.skip(f"{name}: {reason}")
    sql_on(database_url)(DELETE_ALL)
    peer = start(name, SHIPPED, database_url, tmp_path)
    try:
        assert answers(peer.url) == expected
        # Each peer logs its requests, as the service does.
        wait_until(lambda: peer.log.read_text().count("/rooms") >= len(expected))
    finally:
        peer.stop()
