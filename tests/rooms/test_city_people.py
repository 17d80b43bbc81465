"""How many people are in the rooms of a city, in round figures."""

import re

import pytest
from flask.testing import FlaskClient

from app.domain.rooms.city_people import COUNT, SETTINGS, STEPS, CityPeople
from app.services import EXTENSION
from tests.support.databases import Sql, sql_on
from tests.support.manage import add_room

SEVILLA, DOS_HERMANAS = 2510911, 2518207


@pytest.mark.parametrize(("people", "at_least"), [(0, 0), (4, 0), (5, 5), (12, 10), (20, 20)])
def test_a_citys_people_are_counted_over_its_rooms_in_steps(
    client: FlaskClient, sql: Sql, people: int, at_least: int
) -> None:
    for number in range(people):
        interests = ["surf"] if number % 2 else ["theaters", "museums"]
        body = {"_id": f"u{number}", "city": "Sevilla", "interests": interests}
        assert client.post("/rooms", json=body).status_code in (200, 201)
    # A gathered town's people are in the rooms of its hub.
    sql("UPDATE cities SET hub_id = %s WHERE id = %s", (SEVILLA, DOS_HERMANAS))
    city_people = CityPeople(client.application.extensions[EXTENSION].database)
    assert city_people.at_least(SEVILLA) == at_least
    assert city_people.at_least(DOS_HERMANAS) == at_least
    assert city_people.at_least(1) == 0


def test_a_city_of_any_size_costs_the_same_part_of_its_index(new_database: str) -> None:
    _, city = add_room(new_database, 20_000)
    statement = f"SET LOCAL {SETTINGS}; EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {COUNT}"
    parameters = {"city": city, "limit": STEPS[-1]}
    plan = "\n".join(line for (line,) in sql_on(new_database)(statement, parameters))
    assert re.search(r"ix_memberships_room_id.* rows=1000(\.0+)? ", plan), plan
    assert "Seq Scan" not in plan
    assert "Bitmap" not in plan
