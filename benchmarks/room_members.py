"""`python -m benchmarks.room_members`: pages of a room's members, by the size of the room.

Fills a room with a tenth as many members as the database has, and one with ten, and measures
`GET /rooms/<id>/members` of the large one by requests to the application without a network. The
goal for each page of 50 is less than twice the duration of `GET /rooms/<id>` of the small room.
"""

import argparse
import re
import statistics
import time

import psycopg2

from app import create_app
from app.domain.members.room_members import PAGE, PAGE_SETTINGS
from model import artifact
from tests.support.databases import Server, settings_of, sql_on
from tests.support.serving import KEY

MAX_RATIO = 2.0
SMALL_ROOM = 10
ROUNDS = 100
# The members of the large room share the heap's pages with others, as members who join one after
# another do.
CREATE_ROOM = """
    WITH city AS (
        INSERT INTO cities (name, name_key, country_code) VALUES (%(name)s, %(name)s, 'ES')
        RETURNING id
    )
    INSERT INTO rooms (city_id, cluster_id) SELECT id, 1 FROM city RETURNING id, city_id
"""
CREATE_MEMBERS = """
    INSERT INTO memberships
        (user_id, city_id, room_id, interests, model_id, created_at, joined_at, updated_at)
    SELECT md5(%(room)s || '-' || n), %(city)s, %(room)s, '{surf}', %(model)s, now(), now(), now()
    FROM generate_series(1, %(members)s) AS n
"""


def fill_room(url: str, name: str, members: int) -> int:
    """Create a room with members, and return its id."""
    sql = sql_on(url)
    ((room, city),) = sql(CREATE_ROOM, {"name": name})
    parameters = {"room": room, "city": city, "model": artifact.load().id, "members": members}
    sql(CREATE_MEMBERS, parameters)
    return int(room)


def vacuum(url: str) -> None:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) memberships, rooms, cities")
    connection.close()


def member_pages(url: str, size: int) -> dict[str, str]:
    """Return the plan of a page of members, and the durations of pages with their ratios.

    `size`: the number of members in the database; a tenth as many are added.
    """
    small, large = fill_room(url, "small", SMALL_ROOM), fill_room(url, "large", size // 10)
    vacuum(url)
    explain = f"SET LOCAL {PAGE_SETTINGS}; EXPLAIN {PAGE}"
    rows = sql_on(url)(explain, {"room": large, "after": "8", "limit": 1_000})
    plan = "\n".join(line for (line,) in rows)
    is_index_scan = "Index Scan using ix_memberships_room_id_user_id" in plan
    scanned = re.findall(r"Seq Scan on (\w+)", plan)
    medians = durations(
        url,
        {
            "small": f"/rooms/{small}",
            "first": f"/rooms/{large}/members",
            "middle": f"/rooms/{large}/members?after=8",
            "last": f"/rooms/{large}/members?after=fffe",
            "page of 1,000": f"/rooms/{large}/members?after=8&limit=1000",
        },
    )
    result = {
        "plan of GET /rooms/<id>/members": "index scans"
        if is_index_scan and not scanned
        else f"scans {', '.join(scanned) or 'all'}",
        "GET /rooms/<id> of 10 members": f"{medians['small']:.2f} ms",
    }
    for name in ("first", "middle", "last", "page of 1,000"):
        ratio = medians[name] / medians["small"]
        result[f"members of a room of a tenth, {name}"] = f"{medians[name]:.2f} ms ({ratio:.2f})"
    return result


def durations(url: str, paths: dict[str, str]) -> dict[str, float]:
    """Return the median duration of each path's request in ms, measured in alternation."""
    client = create_app(settings_of(url, api_keys=(KEY,))).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {KEY}"
    measured: dict[str, list[float]] = {name: [] for name in paths}
    for _ in range(ROUNDS):
        for name, path in paths.items():
            began = time.perf_counter()
            assert client.get(path).status_code == 200
            measured[name].append((time.perf_counter() - began) * 1000)
    return {name: statistics.median(values) for name, values in measured.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=10_000_000)
    arguments = parser.parse_args()
    server = Server.shared()
    try:
        with server.database() as url:
            fill_room(url, "others", arguments.members)
            for name, value in member_pages(url, arguments.members).items():
                print(f"{name:45} {value}")
    finally:
        server.drop_all()


if __name__ == "__main__":
    main()
