"""The effect of `cities gather` on how many new users are alone, with the real commands.

The population model: each user lives in one of Spain's listed cities, drawn by population; selects
each interest with probability 0.4 (the survey's mean), independently; and is in the cluster that
the shipped model predicts, which is each of its four for a fifth to a third of them. The seed
determines all of it.

Then `manage.py cities gather --yes` runs. Prints, for each number of users, the mean and the range
over the seeds: the shares of users alone and in rooms of under 5, before and after, the share who
were gathered, and how far they are from their hub.
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

# Probability that a user selects an interest: the survey's mean.
SELECTED_SHARE = 0.4


def populate(url: str, users: int, seed: int) -> None:
    """Put users into rooms of their own town, as POST /rooms would."""
    rng, model, sql = np.random.default_rng(seed), artifact.load(), sql_on(url)
    towns = sql(
        "SELECT id, population FROM cities WHERE listed AND country_code = 'ES' ORDER BY id"
    )
    populations = np.array([population for _, population in towns], float)
    cities = rng.choice([town for town, _ in towns], users, p=populations / populations.sum())
    selected = (rng.random((users, len(model.interests))) < SELECTED_SHARE).astype(float)
    clusters = model.predict_many(selected)
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


def share_in_rooms_under(url: str, size: int) -> float:
    """Return the share of members in rooms of fewer members than `size`."""
    ((share,),) = sql_on(url)(
        "SELECT sum(members) FILTER (WHERE members < %s) / sum(members) FROM"
        " (SELECT count(*) AS members FROM memberships GROUP BY room_id) AS rooms",
        (size,),
    )
    return float(share or 0)


def measure(users: int, seed: int, radius_km: float) -> dict[str, float]:
    """Return shares of users and distances in km, by column of the table."""
    with Server.shared().database() as url:
        populate(url, users, seed)
        figures = {
            "alone": share_in_rooms_under(url, 2),
            "under 5": share_in_rooms_under(url, 5),
        }
        command = ("cities", "gather", "--radius", str(radius_km), "--yes", "--json")
        plan = json.loads(run_manage(*command, DATABASE_URL=url).stdout)
        return figures | {
            "alone after": share_in_rooms_under(url, 2),
            "under 5 after": share_in_rooms_under(url, 5),
            "gathered": plan["people"] / plan["members"],
            "median km": plan["median_km"],
            "largest km": plan["largest_km"],
        }


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
            by_seed = [
                measure(users, seed, arguments.radius)
                for seed in track(arguments.seeds, f"{users:,}", console=console)
            ]
            table = table or Table("users", *by_seed[0], box=None)
            cells = []
            for name in by_seed[0]:
                values = [figures[name] for figures in by_seed]
                form = "{:.1f}" if name.endswith("km") else "{:.0%}"
                mean, low, high = statistics.mean(values), min(values), max(values)
                cells.append(f"{form.format(mean)} ({form.format(low)} to {form.format(high)})")
            table.add_row(f"{users:,}", *cells)
    finally:
        Server.shared().drop_all()
    if table:
        seeds = ", ".join(map(str, arguments.seeds))
        Console(width=160).print(
            "Spain's cities by population, random interests, clusters predicted by the model;"
            f" radius {arguments.radius:g} km",
            f"mean (minimum to maximum) over the seeds {seeds}",
            table,
            sep="\n",
        )


if __name__ == "__main__":
    main()
