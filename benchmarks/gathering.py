"""What `cities gather` does for the loneliness of new users, on the real commands.

Users of Spain, placed by the population of its towns, each with interests ticked at random; then
`manage.py cities gather --yes`. Prints, for each number of users and seed, how many are alone and
how many are in rooms under 5 before and after, and how far they are from their hub.
"""

import argparse
import json
import statistics

import numpy as np
import psycopg2
from psycopg2.extras import execute_values
from rich.console import Console
from rich.progress import track
from rich.table import Table

from model import artifact
from tests.cli.test_manage import run_manage
from tests.conftest import sql_on
from tests.databases import Server

# How often a user ticks an interest; the survey's people tick four in ten.
TICKED = 0.4


def populate(url: str, users: int, seed: int) -> None:
    """Put users into rooms of their own town, as POST /rooms would."""
    chance, model, sql = np.random.default_rng(seed), artifact.load(), sql_on(url)
    towns = sql(
        "SELECT id, population FROM cities WHERE listed AND country_code = 'ES' ORDER BY id"
    )
    people = np.array([population for _, population in towns], float)
    cities = chance.choice([town for town, _ in towns], users, p=people / people.sum())
    ticked = (chance.random((users, len(model.interests))) < TICKED).astype(float)
    clusters = model.predict_many(ticked)
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        execute_values(
            cursor,
            "INSERT INTO rooms (city_id, cluster_id) VALUES %s",
            sorted({(int(city), int(c)) for city, c in zip(cities, clusters, strict=True)}),
        )
        cursor.execute("CREATE TEMPORARY TABLE placed (n int, city bigint, cluster smallint)")
        execute_values(
            cursor,
            "INSERT INTO placed VALUES %s",
            [(n, int(cities[n]), int(clusters[n])) for n in range(users)],
        )
        cursor.execute(
            "INSERT INTO memberships (user_id, city_id, room_id, interests, model_id, created_at,"
            " joined_at, updated_at) SELECT 'user-' || n, city, rooms.id, '{}', %s, now(), now(),"
            " now() FROM placed JOIN rooms ON city_id = city AND cluster_id = cluster",
            (model.id,),
        )
    connection.close()


def lonely(url: str, under: int) -> float:
    """Share of the members who are in rooms of fewer than so many."""
    ((share,),) = sql_on(url)(
        "SELECT sum(members) FILTER (WHERE members < %s) / sum(members) FROM"
        " (SELECT count(*) AS members FROM memberships GROUP BY room_id) AS rooms",
        (under,),
    )
    return float(share or 0)


def measure(users: int, seed: int) -> dict[str, float]:
    with Server.of_this_run().database() as url:
        populate(url, users, seed)
        found = {"alone": lonely(url, 2), "under 5": lonely(url, 5)}
        done = run_manage("cities", "gather", "--yes", "--json", DATABASE_URL=url)
        plan = json.loads(done.stdout)
        found |= {"alone after": lonely(url, 2), "under 5 after": lonely(url, 5)}
        return found | {"median km": plan["median_km"], "largest km": plan["largest_km"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, nargs="*", default=[1_000, 10_000])
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2, 3, 4])
    arguments = parser.parse_args()
    table: Table | None = None
    try:
        for users in arguments.users:
            console = Console(stderr=True)
            found = [
                measure(users, s) for s in track(arguments.seeds, f"{users:,}", console=console)
            ]
            table = table or Table("users", *found[0], box=None)
            cells = []
            for name in found[0]:
                values = [one[name] for one in found]
                form = "{:.1f}" if name.endswith("km") else "{:.0%}"
                middle, low, high = statistics.mean(values), min(values), max(values)
                cells.append(f"{form.format(middle)} ({form.format(low)} to {form.format(high)})")
            table.add_row(f"{users:,}", *cells)
    finally:
        Server.of_this_run().drop_all()
    if table:
        Console(width=140).print("mean over the seeds (least to most)", table)


if __name__ == "__main__":
    main()
