"""The commands that move many people, on a Citus cluster and on one server.

    python -m benchmarks.citus_commands --local
    python -m benchmarks.citus_commands CLUSTER_URL PLAIN_URL

The first starts a coordinator and three workers, and a server of the same PostgreSQL, on this
machine. The second takes two databases without members, both released, one of which `db distribute`
distributed. Fills both with the same members (Spain's towns by population, random
interests, one in five in the room of another cluster), runs the same commands on both, and prints
the seconds of each, their ratio, and how many people moved. The waits of 6 seconds, in which the
caches of web processes expire, are left out. Deletes the members at the end. The exit status is 1
where a command takes more than 3 times as long.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import psycopg2
from rich.console import Console
from rich.table import Table

from app.domain.clusters.reassignment import Reassigner
from app.domain.imports.importer import Importer
from app.domain.imports.interest_keys import InterestKeys
from app.domain.imports.user_files import open_users
from app.domain.moves import gathering, merging, unmerging
from app.domain.moves.relocation import Relocation
from app.domain.runs.admin_runs import record_run
from app.factory import create_cli_app
from app.services import Services, services
from benchmarks.citus_cluster import add_databases, chosen_databases
from benchmarks.importing import write_users
from tests.support.databases import DELETE_ALL, settings_of, sql_on

MAX_RATIO = 3.0
SELECTED_SHARE = 0.3
# Share of the members in the room of another cluster than that of the model.
MISPLACED_SHARE = 0.2
GATHER_RADIUS_KM = 30
MIN_GAIN = 0.25
MADRID, SEVILLA = 3117735, 2510911
FIND_TOWNS = """
    SELECT id, population FROM cities
    WHERE listed AND country_code = 'ES' AND population > 0 ORDER BY id
"""


@dataclass(frozen=True)
class Timing:
    """What a command took, and how many people it placed or moved."""

    seconds: float
    people: int


def populate(url: str, built: Services, members: int) -> None:
    """Put members into rooms: the same into any database."""
    rng, sql, model = np.random.default_rng(1), sql_on(url), built.model
    towns = sql(FIND_TOWNS)
    weights = np.array([population for _, population in towns], float)
    cities = rng.choice([town for town, _ in towns], members, p=weights / weights.sum())
    selected = rng.random((members, len(model.interests))) < SELECTED_SHARE
    selected[~selected.any(axis=1), 0] = True
    clusters = model.predict_many(selected.astype(float))
    misplaced = rng.random(members) < MISPLACED_SHARE
    clusters[misplaced] = rng.choice(model.cluster_ids, misplaced.sum())
    pairs = sorted({*zip(cities.tolist(), clusters.tolist(), strict=True)})
    sql(
        "INSERT INTO rooms (city_id, cluster_id)"
        " SELECT * FROM unnest(%s::bigint[], %s::smallint[])",
        ([city for city, _ in pairs], [cluster for _, cluster in pairs]),
    )
    rooms = {
        (city, cluster): room
        for room, city, cluster in sql("SELECT id, city_id, cluster_id FROM rooms")
    }
    keys = np.array(model.interests)
    with tempfile.TemporaryFile("w+") as file:
        for n, (city, cluster) in enumerate(zip(cities.tolist(), clusters.tolist(), strict=True)):
            interests = ",".join(sorted(keys[selected[n]].tolist()))
            times = "2026-10-01T12:00:00Z\t" * 2 + "2026-10-01T12:00:00Z"
            room = rooms[city, cluster]
            file.write(f"member-{n:08}\t{city}\t{room}\t{{{interests}}}\t{model.id}\t{times}\n")
        file.seek(0)
        with psycopg2.connect(url) as connection, connection.cursor() as cursor:
            cursor.copy_expert(
                "COPY memberships (user_id, city_id, room_id, interests, model_id, created_at,"
                " joined_at, updated_at) FROM STDIN",
                file,
            )
        connection.close()
    sql("ANALYZE memberships, rooms")


def commands(built: Services, users: Path, min_members: int) -> dict[str, Callable[[], int]]:
    """Return the commands by name, in their order; each returns how many people it concerned."""
    database = built.database

    def relocate(reason: str, move: Callable[[Relocation], None]) -> int:
        with record_run(database, f"cities {reason}", {}) as run:
            move(Relocation(database, run, reason, lambda step, total: None, 0.0))
        return run.counts.get("people_moved", 0)

    def import_users() -> int:
        with (
            open_users(str(users), InterestKeys(built.model.interests)) as file,
            record_run(database, "users import", {}) as run,
        ):
            importer = Importer(database, built.cities, built.model)
            importer.run(file, run, lambda rejected: None, lambda lines: None)
        return run.counts["placed"]

    def gather(relocation: Relocation) -> None:
        gathering.gather(relocation, gathering.plan_gather(database, GATHER_RADIUS_KM, min_members))

    def release(relocation: Relocation) -> None:
        gathering.release(relocation, gathering.releasable_towns(database, []))

    def reassign() -> int:
        with record_run(database, "model reassign", {}) as run:
            Reassigner(database, built.model, MIN_GAIN).move(run, lambda step, total: None)
        return run.counts.get("people_moved", 0)

    def plan_reassignment() -> int:
        plan = Reassigner(database, built.model, MIN_GAIN).plan(lambda step, total: None)
        return plan.movers

    return {
        "users import": import_users,
        "model reassign --dry-run": plan_reassignment,
        "model reassign": reassign,
        "cities merge": partial(
            relocate, "merge", partial(merging.merge, from_id=MADRID, into_id=SEVILLA)
        ),
        "cities unmerge": partial(relocate, "unmerge", partial(unmerging.unmerge, city_id=MADRID)),
        "cities gather": partial(relocate, "gather", gather),
        "cities release": partial(relocate, "release", release),
    }


def measure(
    urls: tuple[str, str], members: int, users: Path, chosen: list[str]
) -> dict[str, list[Timing]]:
    """Fill databases, run each command on one after the other, and empty them.

    Returns the timings of each command, in the order of `urls`.
    """
    for url in urls:
        require_no_members(url)
    by_database = []
    try:
        for url in urls:
            built = fill(url, members)
            by_database.append(commands(built, users, members // 1_000))
        timings: dict[str, list[Timing]] = {}
        for name in chosen or by_database[0]:
            timings[name] = [run(runnable[name]) for runnable in by_database]
            print(name, *timings[name], flush=True)
        return timings
    finally:
        for url in urls:
            empty(url)


def run(command: Callable[[], int]) -> Timing:
    """Run a command once."""
    began = time.perf_counter()
    people = command()
    return Timing(time.perf_counter() - began, people)


def require_no_members(url: str) -> None:
    """Do nothing if a database has no members. Raises SystemExit."""
    if sql_on(url)("SELECT 1 FROM memberships LIMIT 1"):
        raise SystemExit("a database has members: use one that may be emptied")


def fill(url: str, members: int) -> Services:
    """Put members into a database in place of all rooms; return the service's parts on it."""
    empty(url)
    with create_cli_app(settings_of(url)).app_context():
        built = services()
    populate(url, built, members)
    return built


def empty(url: str) -> None:
    """Delete members and rooms."""
    for statement in DELETE_ALL.split(";"):
        sql_on(url)(statement)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_databases(parser)
    parser.add_argument("--members", type=int, default=200_000)
    parser.add_argument("--imported", type=int, default=50_000)
    parser.add_argument("--only", nargs="*", default=[], metavar="COMMAND")
    arguments = parser.parse_args()
    with chosen_databases(arguments) as urls, tempfile.TemporaryDirectory() as directory:
        users = Path(directory) / "users.csv"
        write_users(users, urls[1], arguments.imported, seed=2)
        timings = measure(urls, arguments.members, users, arguments.only)
    table = Table("command", "people", "plain, s", "cluster, s", "ratio", box=None)
    ratios = []
    for name, (many, one) in timings.items():
        ratios.append(many.seconds / one.seconds)
        people = (
            f"{one.people:,}" if one.people == many.people else f"{one.people:,} {many.people:,}"
        )
        seconds = f"{one.seconds:.1f}", f"{many.seconds:.1f}"
        table.add_row(name, people, *seconds, f"{ratios[-1]:.1f}")
    Console(width=100).print(table)
    raise SystemExit(max(ratios) > MAX_RATIO)


if __name__ == "__main__":
    main()
