"""Analysts' questions on the demo population of a million members, run by a granted role.

Fills a database with `manage.py demo`, runs each question a few times, and prints the median and
the slowest duration, and how long a publication takes. Fails where a median exceeds the goal.
"""

import argparse
import json
import statistics
import sys
import time
from contextlib import closing
from datetime import date, timedelta

import psycopg2
from rich.console import Console
from rich.progress import track
from rich.table import Table

from app.domain.analytics.publication import publish
from app.domain.analytics.queries import Question, questions
from app.infra.database import Database
from tests.support.analysts import database_on
from tests.support.databases import DEMO_UNTIL, Server, sql_on
from tests.support.manage import run_manage

MAX_MEDIAN_S = 2.0
ROLE = "analyst_of_the_benchmark"
# One in ten people registers again on the day after the others.
JOIN_AGAIN = """
    UPDATE memberships SET created_at = %(day)s, joined_at = %(day)s WHERE user_id LIKE '%%7'
"""


def measure(url: str, question: Question, repeats: int) -> list[float]:
    """Return the seconds of each run, each in a session of its own."""
    durations = []
    for _ in range(repeats):
        with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            began = time.perf_counter()
            cursor.execute(question.sql)
            cursor.fetchall()
            durations.append(time.perf_counter() - began)
    return durations


def manage(url: str, *arguments: str) -> str:
    """Run manage.py, and return its output."""
    done = run_manage(*arguments, "--yes", DATABASE_URL=url, APP_ENV="testing")
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


def publish_twice(url: str) -> tuple[float, float]:
    """Return the seconds of a publication of everything, and of the one a day later."""
    database, day = database_on(url), DEMO_UNTIL + timedelta(days=1)
    first_s = publish_timed(database, day, anew=True)
    sql_on(url)(JOIN_AGAIN, {"day": day})
    next_s = publish_timed(database, day + timedelta(days=1))
    database.close()
    return first_s, next_s


def publish_timed(database: Database, day: date, *, anew: bool = False) -> float:
    began = time.perf_counter()
    if reason := publish(database, day, anew=anew):
        sys.exit(reason)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=3)
    arguments = parser.parse_args()
    server = Server.shared()
    table = Table("question", "median s", "slowest s", box=None)
    slow = 0
    with server.database() as url:
        began = time.perf_counter()
        manage(url, "demo", "--users", str(arguments.users), "--until", str(DEMO_UNTIL))
        demo_s = time.perf_counter() - began
        granted = json.loads(manage(url, "analysts", "grant", ROLE, "--json"))
        try:
            for question in track(questions(), console=Console(stderr=True)):
                durations = measure(granted["url"], question, arguments.times)
                median = statistics.median(durations)
                slow += median > MAX_MEDIAN_S
                table.add_row(question.name, f"{median:.2f}", f"{max(durations):.2f}")
        finally:
            manage(url, "analysts", "revoke", ROLE)
        first_s, next_s = publish_twice(url)
    server.drop_all()
    Console(width=100).print(
        table,
        f"{arguments.users:,} people created in {demo_s:.0f} s; "
        f"goal {MAX_MEDIAN_S} s, exceeded by {slow}\n"
        f"publication of everything: {first_s:.1f} s; a day later: {next_s:.1f} s",
    )
    sys.exit(1 if slow else 0)


if __name__ == "__main__":
    main()
