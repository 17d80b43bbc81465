"""Which of a user's interests the others in the room have."""

import re

from flask.testing import FlaskClient

from app.domain.members.room_members import PAGE_SETTINGS
from app.domain.members.shared_interests import COUNT, MAX_MEMBERS_READ, shared_interests
from app.services import EXTENSION
from tests.support.databases import Sql, sql_on
from tests.support.manage import add_room

OTHERS = [["coffee", "museums"]] * 3 + [["museums", "surf"]] * 2 + [["sushi"]]


def test_only_what_five_others_have_is_shared_the_commonest_first(
    client: FlaskClient, sql: Sql
) -> None:
    database = client.application.extensions[EXTENSION].database
    mine = ["coffee", "museums", "surf", "sushi"]
    for number, interests in enumerate([*OTHERS, mine]):
        body = {"_id": f"u{number}", "city": "Sevilla", "interests": interests}
        assert client.post("/rooms", json=body).status_code in (200, 201)
    me = f"u{len(OTHERS)}"
    ((room,),) = sql("SELECT id FROM rooms ORDER BY id LIMIT 1")
    sql("UPDATE memberships SET room_id = %s", (room,))
    # The user's own interest makes it six with museums, and four with coffee.
    assert shared_interests(database, room, me, mine) == ["museums"]
    assert shared_interests(database, room, me, ["climbing"]) == []
    sql("UPDATE memberships SET interests = '{coffee,museums}' WHERE user_id IN ('u3', 'u5')")
    assert shared_interests(database, room, me, mine) == ["museums", "coffee"]


def test_a_room_of_any_size_costs_the_same_part_of_its_index(new_database: str) -> None:
    room, _ = add_room(new_database, 20_000)
    statement = f"SET LOCAL {PAGE_SETTINGS}; EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {COUNT}"
    parameters = {
        "room": room,
        "user": "u5",
        "interests": ["surf"],
        "members": MAX_MEMBERS_READ,
        "others": 5,
    }
    plan = "\n".join(line for (line,) in sql_on(new_database)(statement, parameters))
    assert re.search(r"ix_memberships_room_id_user_id .*actual rows=300(\.0+)? ", plan), plan
    assert "Seq Scan" not in plan
