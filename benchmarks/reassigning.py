"""`model reassign` on a million members under load, killed in the middle and run again.

Puts members with random interests into rooms of random clusters, starts the service with clients
that join and a reader of GET /changes, then: dry run; a run that is killed (SIGKILL) after about a
third of the moves; a complete run; another run. Prints seconds and peak memory of each, the
clients' statuses and latency, and whether each move was read once.
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
    """Clients that join as new users or as members, at random, and a reader of /changes."""

    page = 1000

    def __init__(self, url: str, model: Model, members: int, clients: int) -> None:
        super().__init__(url, clients)
        self.model, self.members = model, members
        self.durations: list[float] = []

    def run_client(self, client: int) -> None:
        rng = np.random.default_rng(client)
        with session() as http:
            while not self.stopping.is_set():
                number = int(rng.integers(2 * self.members))
                keys = rng.choice(self.model.interests, 5, replace=False).tolist()
                body = {"_id": f"member-{number:08}", "city": "Vigo", "interests": keys}
                began = time.perf_counter()
                response = http.post(f"{self.url}/rooms", json=body)
                self.durations.append(time.perf_counter() - began)
                self.statuses[response.status_code] += 1

    def record(self, changes: list[Json]) -> None:
        # Only the ids, to keep a million moves in memory.
        self.changes += [change["id"] for change in changes]


@dataclass(frozen=True)
class Run:
    """A run of the command. `output`: its JSON, or None when it was killed."""

    seconds: float
    peak_mb: float
    output: Json | None


def reassign(url: str, *options: str, kill_at_moves: int | None = None) -> Run:
    """Run the command in a process of its own; kill it after `kill_at_moves` moves."""
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
    output = json.loads(process.stdout.read() or "null")
    expected = 0 if kill_at_moves is None else -signal.SIGKILL
    assert process.wait() == expected, process.returncode
    return Run(time.perf_counter() - began, peak, output)


def measure(url: str, model: Model, members: int, towns: int, clients: int) -> tuple[Table, str]:
    """Return a table of the runs, and a summary of what readers and clients saw."""
    place_anywhere(url, model, members, towns)
    sql = sql_on(url)
    sql("ANALYZE")
    service = Gunicorn({"DATABASE_URL": url, "API_KEYS": KEY})
    try:
        with Load(service.url, model, members, clients) as load:
            dry = reassign(url, "--dry-run")
            assert dry.output is not None
            sent_before = len(load.durations)
            killed = reassign(url, "--yes", kill_at_moves=dry.output["would_move"] // 3)
            resumed = reassign(url, "--yes")
            again = reassign(url, "--yes")
            during = np.array(load.durations[sent_before:])
            before = np.array(load.durations[:sent_before])
    finally:
        service.stop()
    assert resumed.output is not None
    assert again.output is not None
    written = [row[0] for row in sql("SELECT id FROM room_changes ORDER BY id")]
    ((moved_twice,),) = sql(
        "SELECT count(*) FROM (SELECT FROM room_changes GROUP BY user_id HAVING count(*) > 1) AS u"
    )
    table = Table("", "seconds", "MB", "moved", box=None)
    table.add_row("dry run", f"{dry.seconds:.0f}", f"{dry.peak_mb:.0f}", "")
    moved = len(written) - resumed.output["people_moved"] - again.output["people_moved"]
    table.add_row("killed", f"{killed.seconds:.0f}", f"{killed.peak_mb:.0f}", f"{moved:,}")
    for name, run in (("resumed", resumed), ("once more", again)):
        assert run.output is not None
        cells = f"{run.seconds:.0f}", f"{run.peak_mb:.0f}", f"{run.output['people_moved']:,}"
        table.add_row(name, *cells)
    return table, (
        f"{dry.output['members']:,} members, {dry.output['would_move']:,} to move, by the dry run\n"
        f"read in GET /changes: {len(load.changes):,} of {len(written):,} moves, "
        f"{'each once, in order' if load.changes == written else 'NOT THE SAME'}; "
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
    arguments = parser.parse_args()
    server = Server.shared()
    try:
        with server.database() as url:
            table, summary = measure(
                url, artifact.load(), arguments.members, arguments.towns, arguments.clients
            )
    finally:
        server.drop_all()
    Console(width=120, highlight=False).print(table, summary)


if __name__ == "__main__":
    main()
