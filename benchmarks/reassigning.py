"""`model reassign` on a million members under load, killed in the middle and run again.

Puts members with random interests into rooms of any cluster, starts the service with clients who
join and a reader of GET /changes, then: dry run; run, killed (SIGKILL) after about a third of the
moves; run to its end; run once more. Prints seconds and peak memory of each, what the clients saw
meanwhile, and whether every move was read once and the last run moved nobody.
"""

import argparse
import json
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.memory import peak_mb
from model import artifact
from model.predict import Model
from tests.support.clients import Clients
from tests.support.databases import Server, sql_on
from tests.support.http import session
from tests.support.manage import start_process
from tests.support.members import place_anywhere
from tests.support.serving import KEY, Gunicorn

Json = dict[str, Any]


class Load(Clients):
    """Clients who join, new users and members in turn, and a reader of every change."""

    page = 1000

    def __init__(self, url: str, model: Model, members: int, clients: int) -> None:
        super().__init__(url, clients)
        self.model, self.members = model, members
        self.seconds: list[float] = []

    def ask(self, client: int) -> None:
        chance = np.random.default_rng(client)
        with session() as http:
            while not self.stopping.is_set():
                number = int(chance.integers(2 * self.members))
                ticked = chance.choice(self.model.interests, 5, replace=False).tolist()
                body = {"_id": f"member-{number:08}", "city": "Vigo", "interests": ticked}
                began = time.perf_counter()
                response = http.post(f"{self.url}/rooms", json=body)
                self.seconds.append(time.perf_counter() - began)
                self.statuses[response.status_code] += 1

    def note(self, changes: list[Json]) -> None:
        # Of a million moves the ids are enough.
        self.read += [change["id"] for change in changes]


@dataclass(frozen=True)
class Ran:
    """A run of the command: seconds, peak memory in MB, what it printed; None when killed."""

    seconds: float
    memory: float
    told: Json | None


def reassign(url: str, *options: str, kill_at_moves: int | None = None) -> Ran:
    """Run the command in a process of its own; kill it once so many moves are written."""
    sql, began = sql_on(url), time.perf_counter()
    command = ("model", "reassign", "--json", *options)
    process = start_process(*command, stdout=subprocess.PIPE, DATABASE_URL=url)

    def kill_when_due() -> None:
        if kill_at_moves is not None:
            ((moves,),) = sql("SELECT coalesce(max(id), 0) FROM room_changes")
            if moves >= kill_at_moves:
                process.send_signal(signal.SIGKILL)

    peak = peak_mb(process, kill_when_due)
    assert process.stdout is not None
    told = json.loads(process.stdout.read() or "null")
    expected = 0 if kill_at_moves is None else -signal.SIGKILL
    assert process.wait() == expected, process.returncode
    return Ran(time.perf_counter() - began, peak, told)


def measure(url: str, model: Model, members: int, towns: int, clients: int) -> tuple[Table, str]:
    place_anywhere(url, model, members, towns)
    sql = sql_on(url)
    sql("ANALYZE")
    service = Gunicorn({"DATABASE_URL": url, "API_KEYS": KEY})
    try:
        with Load(service.url, model, members, clients) as load:
            dry = reassign(url, "--dry-run")
            assert dry.told is not None
            alone = len(load.seconds)
            killed = reassign(url, "--yes", kill_at_moves=dry.told["would_move"] // 3)
            rest = reassign(url, "--yes")
            again = reassign(url, "--yes")
            during = np.array(load.seconds[alone:])
            before = np.array(load.seconds[:alone])
    finally:
        service.stop()
    assert rest.told is not None
    assert again.told is not None
    written = [row[0] for row in sql("SELECT id FROM room_changes ORDER BY id")]
    ((moved_twice,),) = sql(
        "SELECT count(*) FROM (SELECT FROM room_changes GROUP BY user_id HAVING count(*) > 1) AS u"
    )
    table = Table("", "seconds", "MB", "moved", box=None)
    table.add_row("dry run", f"{dry.seconds:.0f}", f"{dry.memory:.0f}", "")
    moved = len(written) - rest.told["people_moved"] - again.told["people_moved"]
    table.add_row("killed", f"{killed.seconds:.0f}", f"{killed.memory:.0f}", f"{moved:,}")
    for name, ran in (("resumed", rest), ("once more", again)):
        assert ran.told is not None
        cells = f"{ran.seconds:.0f}", f"{ran.memory:.0f}", f"{ran.told['people_moved']:,}"
        table.add_row(name, *cells)
    return table, (
        f"{dry.told['members']:,} members, {dry.told['would_move']:,} to move, by the dry run\n"
        f"read in GET /changes: {len(load.read):,} of {len(written):,} moves, "
        f"{'each once, in order' if load.read == written else 'NOT THE SAME'}; "
        f"{moved_twice:,} members moved twice\n"
        f"POST /rooms meanwhile: {dict(load.statuses)}; p99 {_ms(during)} ms while moving, "
        f"{_ms(before)} ms during the dry run"
    )


def _ms(seconds: np.ndarray[Any, np.dtype[np.float64]]) -> str:
    return f"{np.percentile(seconds, 99) * 1000:.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--towns", type=int, default=1_000)
    parser.add_argument("--clients", type=int, default=4)
    given = parser.parse_args()
    server = Server.of_this_run()
    try:
        with server.database() as url:
            table, told = measure(url, artifact.load(), given.members, given.towns, given.clients)
    finally:
        server.drop_all()
    Console(width=120, highlight=False).print(table, told)


if __name__ == "__main__":
    main()
