"""cities unify: spellings that earlier releases took for places of their own become one."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from app.domain.cities.city import Place
from app.domain.cities.normalize import fold
from app.domain.cities.repository import Cities, Located
from app.domain.members.empty_places import EmptyPlaces
from app.domain.moves import merging, unifying
from tests.moves.test_relocation import act, client, join, sql, url  # noqa: F401
from tests.support.databases import Sql

INSERT = "INSERT INTO cities (name, name_key, country_code, listed) VALUES (%s, %s, %s, false)"

TOWNS = """
    SELECT concat_ws(' ', city.name, city.country_code)
    FROM memberships JOIN cities AS city ON city.id = city_id ORDER BY user_id
"""


def store(sql: Sql, name: str, key: str, country: str | None) -> None:  # noqa: F811
    """Store an unlisted place with one member, as earlier releases did."""
    sql(INSERT, (name, key, country))
    ((city,),) = sql("SELECT max(id) FROM cities")
    sql("INSERT INTO rooms (city_id, cluster_id) VALUES (%s, 1)", (city,))
    sql(
        "INSERT INTO memberships (user_id, city_id, room_id, interests, model_id, created_at,"
        " joined_at, updated_at) SELECT %s, %s, max(rooms.id), '{surf}', max(models.id), now(),"
        " now(), now() FROM rooms, models",
        (f"user-{city}", city),
    )


def test_spellings_of_an_area_and_words_for_no_place_are_brought_together(
    client: FlaskClient,  # noqa: F811
    sql: Sql,  # noqa: F811
    act: Any,  # noqa: F811
) -> None:
    spellings = {
        "ES": ["Spain", "España", "Espanya", "Spain, Europe", "ESPANA, Europe"],
        "ES~Mallorca": ["Mallorca", "Mallorca, Spain", "Majorca"],
        "PLACELESS": ["Remote", "Nomad"],
    }
    for names in spellings.values():
        for name in names:
            store(sql, name, fold(name), "ES" if name == "España" else None)
    services = client.application.extensions["nomad_rooms"]
    plan = unifying.plan_unify(services.database, services.cities)
    assert {one.into_id for one in plan} == {None}
    assert {one.into_name for one in plan} == {"España", "Mallorca", "Remote"}
    assert act("merge", unifying.unify, plan, services.cities)["people_moved"] == 10
    assert unifying.plan_unify(services.database, services.cities) == []
    assert sql(
        "SELECT area_code, count(*), count(DISTINCT room_id) FROM memberships"
        " JOIN cities AS city ON city.id = city_id GROUP BY 1 ORDER BY 1"
    ) == [("ES", 5, 1), ("ES~Mallorca", 3, 1), ("PLACELESS", 2, 1)]
    # The spellings are names of the area, which asks for a city.
    for name in (*spellings["ES"], *spellings["ES~Mallorca"]):
        joined = client.post("/rooms", json={"_id": "new", "city": name, "interests": ["surf"]})
        assert joined.json["city"]["kind"] == "area"
        assert len(joined.json["did_you_mean"]) == 3


def test_spellings_of_one_village_and_of_a_city_are_brought_together(
    client: FlaskClient,  # noqa: F811
    sql: Sql,  # noqa: F811
    act: Any,  # noqa: F811
) -> None:
    for name, key, country in (
        ("Albarracín, Teruel", "albarracin teruel", "ES"),
        ("Albarracín", "albarracin", None),
        ("Madrid/Spain", "madrid spain", None),
        ("Madrid / Barcelona", "madrid barcelona", None),
        ("Milano (MI)", "milano mi", "US"),
        ("México, Mérida", "mexico merida", "VE"),
        ("Madrid, Costa del Sol", "madrid costa del sol", "ES"),
    ):
        store(sql, name, key, country)
    services = client.application.extensions["nomad_rooms"]
    plan = unifying.plan_unify(services.database, services.cities)
    assert [(one.name, one.into_name) for one in plan] == [
        ("Albarracín, Teruel", "Albarracín"),
        ("Madrid/Spain", "Madrid"),
        ("Milano (MI)", "Milan"),
        ("México, Mérida", "Mérida"),
    ]
    counts = act("merge", unifying.unify, plan, services.cities)
    assert counts["people_moved"] == 4
    assert unifying.plan_unify(services.database, services.cities) == []
    assert [town for (town,) in sql(TOWNS)] == [
        "Albarracín",
        "Albarracín",
        "Madrid ES",
        "Madrid / Barcelona",
        "Milan IT",
        "Mérida MX",
        "Madrid, Costa del Sol ES",
    ]
    assert join(client, "new", "Albarracín, Teruel")["city"]["name"] == "Albarracín"


def test_a_repeated_run_finishes_what_an_interrupted_one_began(
    client: FlaskClient,  # noqa: F811
    sql: Sql,  # noqa: F811
    act: Any,  # noqa: F811
) -> None:
    store(sql, "Spain", "spain", None)
    store(sql, "Espanya", "espanya", None)
    area = join(client, "new", "España")
    # The process ended after the pointers were set, before the people moved.
    sql(
        "UPDATE cities SET merged_into = %s WHERE name <> 'España' AND NOT listed",
        (area["city"]["id"],),
    )
    services = client.application.extensions["nomad_rooms"]
    plan = unifying.plan_unify(services.database, services.cities)
    assert [(one.name, one.people, one.into_id) for one in plan] == [
        ("Spain", 1, area["city"]["id"]),
        ("Espanya", 1, area["city"]["id"]),
    ]
    assert act("merge", unifying.unify, plan, services.cities)["people_moved"] == 2
    assert sql("SELECT DISTINCT city_id FROM rooms") == [(area["city"]["id"],)]
    assert unifying.plan_unify(services.database, services.cities) == []


def test_places_that_go_with_their_last_users_between_plan_and_run_are_passed_over(
    client: FlaskClient,  # noqa: F811
    sql: Sql,  # noqa: F811
    act: Any,  # noqa: F811
) -> None:
    store(sql, "Albarracín", "albarracin", None)
    for name in ("Albarracín, Teruel", "Albarracín, España", "Albarracín, Aragón"):
        store(sql, name, fold(name), "ES")
    services = client.application.extensions["nomad_rooms"]
    plan = unifying.plan_unify(services.database, services.cities)
    assert len(plan) == 3
    # The place that the others become, and one of the others.
    for gone in (plan[0].into_id, plan[0].from_id):
        client.delete(f"/users/user-{gone}")
    assert act("merge", unifying.unify, plan, services.cities)["people_moved"] == 2
    assert sql(
        "SELECT city.name, count(*) FROM memberships JOIN cities AS city ON city.id = city_id"
        " GROUP BY 1"
    ) == [("Albarracín", 2)]


class RemovedPlaces(Cities):
    """Cities while another process's upkeep removes each new place, the first times."""

    removals = 1

    def locate(self, place: Place) -> Located:
        located = super().locate(place)
        if self.removals:
            self.removals -= 1
            EmptyPlaces(self.database).remove_all()
        return located


@pytest.mark.parametrize(("removals", "unified"), [(1, 3), (9, 1)])
def test_a_place_that_upkeep_removes_before_anybody_is_in_it_stops_no_run(
    client: FlaskClient,  # noqa: F811
    sql: Sql,  # noqa: F811
    act: Any,  # noqa: F811
    removals: int,
    unified: int,
) -> None:
    for name in ("Madrid/Spain", "Albarracín, Teruel", "Albarracín, Aragón"):
        store(sql, name, fold(name), None)
    services = client.application.extensions["nomad_rooms"]
    plan = unifying.plan_unify(services.database, services.cities)
    cities = RemovedPlaces(services.database, services.cities.default_country)
    cities.removals = removals
    assert act("merge", unifying.unify, plan, cities)["people_moved"] == unified
    left = unifying.plan_unify(services.database, services.cities)
    assert len(left) == 3 - unified


def test_a_pair_that_cannot_be_merged_leaves_nobody_of_the_others_behind(
    client: FlaskClient,  # noqa: F811
    sql: Sql,  # noqa: F811
    act: Any,  # noqa: F811
) -> None:
    for name in ("Madrid/Spain", "Milano (MI)"):
        store(sql, name, fold(name), None)
    services = client.application.extensions["nomad_rooms"]
    first, second = unifying.plan_unify(services.database, services.cities)
    sql("UPDATE cities SET merged_into = %s WHERE id = %s", (first.into_id, second.into_id))
    with pytest.raises(merging.CannotMerge, match="itself merged"):
        act("merge", unifying.unify, [first, second], services.cities)
    assert {town for (town,) in sql(TOWNS)} == {"Madrid ES", "Milano (MI)"}
