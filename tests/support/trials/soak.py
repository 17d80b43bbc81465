"""A trial in which admins merge, gather, release and import while users join."""

import itertools
from collections.abc import Iterator

import psutil

from tests.support.databases import sql_on
from tests.support.load_clients import LoadClients
from tests.support.manage import run_process, start_process
from tests.support.service import Service
from tests.support.trials.stage import Stage
from tests.support.user_files import write_csv

# Times the seconds of other faults.
DURATION_FACTOR = 4
# Most of it is for the caches of web processes to expire.
SECONDS_PER_COMMAND = 7
IMPORTED_USERS = 3_000
# Two towns near a larger one.
HUB, TOWNS = 101, (102, 103)
ADD_CITIES = """
    INSERT INTO cities (id, name, name_key, country_code, latitude, longitude, population, listed)
    SELECT id, 'Soak ' || id, 'soak ' || id, 'ES', 40 + id / 1000.0, -4, 200000 / (id - 100), true
    FROM unnest(%s) AS id
"""
FIND_MISSPELT = "SELECT id FROM cities WHERE name LIKE 'Misspelt %' AND merged_into IS NULL"
COUNT_MEMBERS = "SELECT count(*) FROM memberships WHERE city_id = %s"
STRANDED = """
    SELECT user_id FROM memberships AS member
    JOIN rooms ON rooms.id = member.room_id JOIN cities ON cities.id = member.city_id
    WHERE rooms.city_id <> coalesce(cities.hub_id, cities.id) OR cities.merged_into IS NOT NULL
"""
# For connections of the pool and of clients that were not open at first.
MAX_MORE_DESCRIPTORS = 10
MAX_MORE_BYTES = 16_000_000


class MovedClients(LoadClients):
    """Clients whose users admins move to other rooms."""

    def bodies(self, client: int) -> Iterator[dict[str, object]]:
        """Yield most users for the hub, and some for its towns and for misspelt names."""
        places: list[dict[str, object]] = [{"city_id": town} for town in (*[HUB] * 12, *TOWNS)]
        places += [{"city": f"Misspelt {number}"} for number in range(8)]
        for body, place in zip(super().bodies(client), itertools.cycle(places), strict=False):
            yield {"_id": body["_id"], "interests": body["interests"], **place}

    def lost_users(self, database: str) -> set[str]:
        """Return users who are not stored, or who are stored in a room of a wrong city."""
        sql = sql_on(database)
        stored = {user for (user,) in sql("SELECT user_id FROM memberships")}
        return self.acknowledged.keys() - stored | {user for (user,) in sql(STRANDED)}


def admins_at_work(stage: Stage) -> None:
    """Merge, gather, release and import; afterwards everybody is in a room of the right city."""
    sql = sql_on(stage.database)
    sql(ADD_CITIES, ([HUB, *TOWNS],))
    files = itertools.cycle([write_users(stage, town) for town in (HUB, TOWNS[0])])
    with (
        stage.service() as service,
        stage.under_load("merges, gathers, imports", service.url, kind=MovedClients),
    ):
        before = footprints(service)
        rounds = max(1, int(DURATION_FACTOR * stage.seconds / SECONDS_PER_COMMAND))
        for command in itertools.islice(commands(stage.database), rounds):
            importing = start_process(
                *("users", "import", next(files), "--yes"), DATABASE_URL=stage.database
            )
            done = run_process("cities", *command, "--yes", DATABASE_URL=stage.database)
            assert done.returncode == 0, done.stderr
            assert importing.wait() == 0
        for pid, (descriptors, memory) in footprints(service).items():
            assert descriptors <= before[pid][0] + MAX_MORE_DESCRIPTORS
            assert memory <= before[pid][1] + MAX_MORE_BYTES


def commands(database: str) -> Iterator[tuple[str, ...]]:
    """Yield the arguments of `manage.py cities`, in turn."""
    sql = sql_on(database)
    while True:
        for (misspelt,) in sql(FIND_MISSPELT)[:1]:
            yield "merge", str(misspelt), str(HUB)
        ((members,),) = sql(COUNT_MEMBERS, (HUB,))
        yield "gather", "--min-members", str(members // 2)
        yield ("release",)


def write_users(stage: Stage, city: int) -> str:
    """Write a file of users of a city, and return its path."""
    rows = [
        {"_id": f"imported-{number}", "city_id": city, "movies": "1"}
        for number in range(IMPORTED_USERS)
    ]
    return str(write_csv(stage.directory / f"{city}.csv", rows))


def footprints(service: Service) -> dict[int, tuple[int, int]]:
    """Return the open descriptors and the bytes of memory of each worker."""
    workers = [psutil.Process(pid) for pid in service.workers()]
    return {one.pid: (one.num_fds(), one.memory_full_info().uss) for one in workers}
