"""What `cities gather` does for the loneliness of new users, on the real commands.

The population model: each user lives in one of Spain's places of the gazetteer (5,000 people and
more; a neighbourhood of a city is none), drawn by the place's population; ticks each interest with
chance 0.4, the survey's mean, regardless of the others; and is in the cluster that the shipped
model predicts, which is each of its four for a fifth to a third of them. The seed draws all of it.

Then `manage.py cities gather --yes` runs. Prints, for each number of users, the mean over the seeds
and the range: how many are alone and how many in rooms under 5, before and after, how many were
gathered, and how far those are from their hub.
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
from tests.support.databases import Server, sql_on
from tests.support.manage import run_manage

# How often a user ticks an interest: the survey's mean.
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


def measure(users: int, seed: int, radius: float) -> dict[str, float]:
    with Server.of_this_run().database() as url:
        populate(url, users, seed)
        found = {"alone": lonely(url, 2), "under 5": lonely(url, 5)}
        done = run_manage(
            "cities", "gather", "--radius", str(radius), "--yes", "--json", DATABASE_URL=url
        )
        plan = json.loads(done.stdout)
        found |= {"alone after": lonely(url, 2), "under 5 after": lonely(url, 5)}
        found["gathered"] = plan["people"] / plan["members"]
        return found | {"median km": plan["median_km"], "largest km": plan["largest_km"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, nargs="*", default=[1_000, 10_000])
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2, 3, 4])
    parser.add_argument("--radius", type=float, default=30, help="km")
    arguments = parser.parse_args()
    table: Table | None = None
    try:
        for users in arguments.users:
            console = Console(stderr=True)
            found = [
                measure(users, seed, arguments.radius)
                for seed in track(arguments.seeds, f"{users:,}", console=console)
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
        seeds = ", ".join(map(str, arguments.seeds))
        Console(width=160).print(
            "Spain's places by population, interests ticked at random, clusters by the model;"
            f" radius {arguments.radius:g} km",
            f"mean (least to most) over the seeds {seeds}",
            table,
            sep="\n",
        )


if __name__ == "__main__":
    main()
