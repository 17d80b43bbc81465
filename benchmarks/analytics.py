"""Every question of analysts, on a million made-up members, as a granted role asks it.

Fills a database with `manage.py demo`, then asks each question a few times; prints the median and
the slowest, and fails where the median is over the goal.
"""

import argparse
import json
import statistics
import sys
import time
from contextlib import closing

import psycopg2
from rich.console import Console
from rich.progress import track
from rich.table import Table

from app.domain.analytics.queries import Question, questions
from tests.support.databases import Server
from tests.support.manage import run_manage

GOAL_S = 2.0


def measure(url: str, asked: Question, times: int) -> list[float]:
    """Seconds of each try, in a session of its own."""
    seconds = []
    for _ in range(times):
        with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            began = time.perf_counter()
            cursor.execute(asked.sql)
            cursor.fetchall()
            seconds.append(time.perf_counter() - began)
    return seconds


def command(url: str, *arguments: str) -> str:
    """What manage.py printed."""
    done = run_manage(*arguments, "--yes", DATABASE_URL=url, APP_ENV="testing")
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=3)
    arguments = parser.parse_args()
    server, role = Server.of_this_run(), "analyst_of_the_benchmark"
    table = Table("question", "median s", "slowest s", box=None)
    slow = 0
    with server.database() as url:
        began = time.perf_counter()
        command(url, "demo", "--users", str(arguments.users))
        made = time.perf_counter() - began
        granted = json.loads(command(url, "analysts", "grant", role, "--json"))
        try:
            for asked in track(questions(), console=Console(stderr=True)):
                seconds = measure(granted["url"], asked, arguments.times)
                middle = statistics.median(seconds)
                slow += middle > GOAL_S
                table.add_row(asked.name, f"{middle:.2f}", f"{max(seconds):.2f}")
        finally:
            command(url, "analysts", "revoke", role)
    server.drop_all()
    Console(width=100).print(
        table, f"{arguments.users:,} people made in {made:.0f} s; goal {GOAL_S} s, {slow} over it"
    )
    sys.exit(1 if slow else 0)


if __name__ == "__main__":
    main()
