"""Every route and reading command on a Citus cluster and on one server, in turn.

    python -m benchmarks.citus_requests --local
    python -m benchmarks.citus_requests CLUSTER_URL PLAIN_URL

The databases and their members are those of `benchmarks.citus_commands`; a gunicorn serves each.
Each round sends each request, and runs each command, once on both. Prints the median milliseconds
on both, and the median of their ratios within a round. Ends with an error where an answer is none.
Deletes the members at the end.
"""

import argparse
import json
import statistics
import time
from contextlib import ExitStack
from dataclasses import dataclass

import requests
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.citus_cluster import add_databases, chosen_databases
from benchmarks.citus_commands import MADRID, SEVILLA, empty, fill, require_no_members
from model import artifact
from tests.support.databases import environment_of, sql_on
from tests.support.http import session
from tests.support.manage import run_manage
from tests.support.serving import KEY, Gunicorn

FIND_LARGEST_ROOM = """
    SELECT room_id FROM memberships GROUP BY room_id ORDER BY count(*) DESC, room_id LIMIT 1
"""
USER = "member-00000001"
# What is sent, in this order: %(new)s is an id that nobody has had, %(room)s the largest room.
NEW_USER = {"_id": "%(new)s", "city_id": MADRID, "interests": ["surf"]}
REQUESTS = {
    "POST /rooms": NEW_USER,
    "POST /rooms, again": NEW_USER,
    "POST /rooms, other interests": NEW_USER | {"interests": ["museums", "theaters", "surf"]},
    "POST /rooms, another city": NEW_USER | {"city_id": SEVILLA},
    "POST /rooms, a new place": {"_id": "%(new)s-b", "city": "A %(new)s", "interests": ["surf"]},
    "POST /cluster": {
        "_id": "%(new)s",
        "interests": dict.fromkeys(artifact.load().interests, True),
    },
    "GET /rooms": None,
    "GET /rooms/%(room)s": None,
    "GET /rooms/%(room)s/members": None,
    f"GET /users/{USER}": None,
    "GET /changes": None,
    "GET /interests": None,
    "GET /clusters": None,
    "GET /cities?q=sevila": None,
    "GET /readyz": None,
    "GET /": None,
    "GET /rooms/map": None,
    "DELETE /users/%(new)s": None,
    "DELETE /users/%(new)s-b": None,
}
# benchmarks.citus_commands runs the others.
COMMANDS = (
    "stats",
    "rooms list",
    "rooms show %(room)s",
    "rooms members %(room)s",
    "rooms export",
    f"users show {USER}",
    f"users forget {USER} --dry-run",
    "users export",
    "cities find Sevila",
    "cities unlisted",
    "cities clean --dry-run",
    "cities unify --dry-run",
    "cities gather --dry-run --min-members 100",
    "cities release --dry-run",
    f"cities merge {MADRID} {SEVILLA} --dry-run --force",
    "clusters list",
    "clusters show 1",
    "model drift",
    "model register",
    "analysts publish --dry-run",
    "runs list",
    "db current",
)


@dataclass(frozen=True)
class Side:
    """A database, the gunicorn that serves it, and its largest room."""

    url: str
    gunicorn: Gunicorn
    session: requests.Session
    room: int

    def time_all(self, number: int) -> dict[str, float]:
        """Return the milliseconds of each request and command. Raises SystemExit."""
        words, times = {"room": self.room, "new": f"new-{number}"}, {}
        for name, body in REQUESTS.items():
            times[name] = self._time_request(name % words, json.dumps(body) % words)
        for command in COMMANDS:
            times[command] = self._time_command(command % words)
        return times

    def _time_request(self, name: str, body: str) -> float:
        method, path = name.partition(",")[0].split(" ")
        began = time.perf_counter()
        response = self.session.request(method, self.gunicorn.url + path, json=json.loads(body))
        seconds = time.perf_counter() - began
        if not response.ok:
            raise SystemExit(f"{name}: {response.status_code} {response.text}")
        return seconds * 1000

    def _time_command(self, command: str) -> float:
        began = time.perf_counter()
        done = run_manage(*command.split(), **environment_of(self.url))
        seconds = time.perf_counter() - began
        if done.returncode:
            raise SystemExit(f"{command}: {done.stderr}")
        return seconds * 1000


def started(url: str, members: int, stack: ExitStack) -> Side:
    """Fill a database and serve it; `stack` empties it and stops the server."""
    require_no_members(url)
    stack.callback(empty, url)
    fill(url, members)
    gunicorn = Gunicorn(environment_of(url) | {"API_KEYS": KEY})
    stack.callback(gunicorn.stop)
    ((room,),) = sql_on(url)(FIND_LARGEST_ROOM)
    return Side(url, gunicorn, session(), room)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_databases(parser)
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    rounds = []
    with chosen_databases(arguments) as urls, ExitStack() as stack:
        cluster, plain = (started(url, arguments.members, stack) for url in urls)
        for number in track(range(arguments.rounds), "rounds", transient=True):
            rounds.append((plain.time_all(number), cluster.time_all(number)))
    table = Table("", "plain, ms", "cluster, ms", "ratio", box=None)
    for name in rounds[0][0]:
        pairs = [(one[name], many[name]) for one, many in rounds]
        one, many = (statistics.median(times) for times in zip(*pairs, strict=True))
        ratio = statistics.median(many / one for one, many in pairs)
        table.add_row(
            name % {"room": "<id>", "new": "<id>"}, f"{one:.1f}", f"{many:.1f}", f"{ratio:.1f}"
        )
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
