"""Breaks a Citus cluster while users join without pause, and prints what became of them.

    python -m benchmarks.citus_faults --local
    python -m benchmarks.citus_faults URL --admin SUPERUSER_URL --worker HOST:PORT
        [--kill COMMAND --start COMMAND] [--freeze COMMAND --thaw COMMAND]
        [--kill-coordinator COMMAND --start-coordinator COMMAND] [--new-node HOST:PORT]

The first starts a coordinator and three workers on this machine. The second takes any cluster: the
URL of a database without members that `db distribute` distributed, one of its workers as Citus
lists it, and shell commands that break and mend that one; it leaves out what it has no commands
for. --new-node: a server with the role, the database and the extension, which is no node yet, and
stays one. A gunicorn of this machine serves; the members are deleted at the end.

A worker is killed: its users and those who name a new place get 503 with Retry-After, nobody else
does, and it is over when the worker is back. The coordinator is killed again and again, while each
user names a new place, which every node stores in two phases: that leaves prepared transactions to
recover. Shards are moved, and a node is added: nobody notices.
In each fault no acknowledged join is lost, nobody is in two rooms, and all nodes agree. The exit
status is 1 where one of these promises is broken.
"""

import argparse
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial

from rich.console import Console
from rich.table import Table

from benchmarks.citus_cluster import (
    NODES_OF_USERS,
    WORKERS,
    Action,
    Target,
    local_target,
    shell_actions,
)
from benchmarks.citus_commands import empty, require_no_members
from tests.support.databases import sql_on
from tests.support.returning_clients import NEW_PLACE_EVERY, Refusal, ReturningClients
from tests.support.service import Service
from tests.support.serving import wait_until
from tests.support.trials.results import MAX_WAIT_S
from tests.support.trials.stage import LivenessProbe

MOVED_SHARDS = 3
KILLS_OF_COORDINATOR = 10
SECONDS_DEAD, SECONDS_ALIVE = 1.0, 3.0
# Before and after a fault, for each client: each pair of its towns and interests has a room then.
STEADY_JOINS = 60
# The load goes on for so long after a fault.
AFTERMATH_S = 5
MAX_BACK_S = 2.0
REASON = re.compile(r'database unavailable: ([^"]+)')
# Who is refused.
ITS_USERS, NEW_PLACES, OTHERS = EVERYBODY = "its users", "new places", "others"


@dataclass(frozen=True)
class Outcome:
    """What a fault did to those who joined.

    `may_refuse`: whom it may refuse. `joined_meanwhile`: those who joined while it lasted.
    `failed`: responses other than 2xx and 503 with Retry-After, and users never admitted.
    `back_s`: how long after its end the last was refused. `doubles`: users in two rooms, and pairs
    with two. `differences`: nodes whose rooms or places differ. `reasons`: of 503, by the log.
    """

    fault: str
    may_refuse: tuple[str, ...]
    seconds: float
    acknowledged: int
    joined_meanwhile: int
    lost: int
    failed: int
    reset: int
    refused: dict[str, int]
    back_s: float
    longest_wait_s: float
    livez_s: float
    doubles: int
    differences: int
    recovered: int
    left_prepared: int
    reasons: dict[str, int]
    failures: list[str]

    def broken(self) -> list[str]:
        """Return the promises that were not kept."""
        counts = {
            "acknowledged joins lost": self.lost,
            "failures that are no 503 with Retry-After": self.failed,
            "connections reset": self.reset,
            "users in two rooms, or pairs with two": self.doubles,
            "nodes that store other rooms or places": self.differences,
            "prepared transactions left": self.left_prepared,
        }
        for group, count in self.refused.items():
            if group not in self.may_refuse:
                counts[f"503 for {group}"] = count
        broken = [f"{self.fault}: {count:,} {what}" for what, count in counts.items() if count]
        if self.may_refuse and self.back_s > MAX_BACK_S:
            broken.append(f"{self.fault}: 503 until {self.back_s:.1f} s after its end")
        if max(self.longest_wait_s, self.livez_s) > MAX_WAIT_S:
            broken.append(f"{self.fault}: a request had no answer for more than {MAX_WAIT_S:g} s")
        return broken


@dataclass(frozen=True)
class Trials:
    """What all faults have in common: the cluster, a service on it, the load, and the checks."""

    target: Target
    service: Service
    clients: int

    def run(
        self,
        fault: str,
        may_refuse: tuple[str, ...],
        act: Action,
        new_place_every: int = NEW_PLACE_EVERY,
    ) -> Outcome:
        """Act under load; return what became of those who joined."""
        logged = len(self.service.log.read_text())
        clients = ReturningClients(self.service.url, self.clients, new_place_every)
        probe = LivenessProbe(self.service.url)
        with clients, probe:
            wait_for_joins(clients)
            before, began = len(clients.acknowledged), time.monotonic()
            act()
            joined, ended_at = len(clients.acknowledged) - before, time.monotonic()
            time.sleep(AFTERMATH_S)
            wait_for_joins(clients)
        lost = clients.lost_users(self.target.url)  # before anything is recovered
        recovered, left = self.target.recover_prepared()
        return Outcome(
            fault,
            may_refuse,
            ended_at - began,
            len(clients.acknowledged),
            joined,
            len(lost),
            len(clients.faults),
            clients.refused["reset"] + clients.refused["no connection"],
            self.refused(clients),
            max([0.0, *(refusal.at - ended_at for refusal in clients.refusals)]),
            clients.longest_wait_s,
            probe.longest_wait_s,
            self.target.count_doubles(),
            self.target.count_differences(),
            recovered,
            left,
            dict(Counter(REASON.findall(self.service.log.read_text()[logged:]))),
            clients.faults[:5],
        )

    def refused(self, clients: ReturningClients) -> dict[str, int]:
        """Count the refusals by whom they met."""
        users = list({refusal.user for refusal in clients.refusals})
        nodes = dict(sql_on(self.target.url)(NODES_OF_USERS, (users,)))

        def group_of(refusal: Refusal) -> str:
            if refusal.names_new_place:
                return NEW_PLACES
            return ITS_USERS if nodes[refusal.user] == self.target.worker else OTHERS

        counts = Counter(map(group_of, clients.refusals))
        return {group: counts[group] for group in (ITS_USERS, NEW_PLACES, OTHERS)}


def wait_for_joins(clients: ReturningClients) -> None:
    """Wait until more users have joined, or something failed."""
    enough = len(clients.acknowledged) + STEADY_JOINS * len(clients.threads)
    wait_until(lambda: len(clients.acknowledged) >= enough or bool(clients.faults))


def break_and_mend(target: Target, actions: tuple[Action, Action], seconds: float) -> None:
    """Break a worker for a while; return when each node answers again."""
    break_it, mend = actions
    break_it()
    time.sleep(seconds)
    mend()
    target.wait_until_complete()


def break_often(target: Target, actions: tuple[Action, Action]) -> None:
    """Break a node again and again."""
    for _ in range(KILLS_OF_COORDINATOR):
        break_and_mend(target, actions, SECONDS_DEAD)
        time.sleep(SECONDS_ALIVE)


def outcomes(trials: Trials, seconds: float) -> Iterator[Outcome]:
    """Yield what became of users in each fault that the target offers."""
    target = trials.target
    if actions := target.kill_and_start:
        act = partial(break_and_mend, target, actions, seconds)
        yield trials.run(f"a worker killed, {seconds:g} s", (ITS_USERS, NEW_PLACES), act)
    if actions := target.freeze_and_thaw:
        act = partial(break_and_mend, target, actions, seconds)
        yield trials.run(f"a worker frozen, {seconds:g} s", EVERYBODY, act)
    if actions := target.coordinator:
        act = partial(break_often, target, actions)
        name = f"the coordinator killed {KILLS_OF_COORDINATOR} times"
        yield trials.run(name, EVERYBODY, act, new_place_every=1)
    move = partial(target.move_shards, MOVED_SHARDS)
    yield trials.run(f"{MOVED_SHARDS} shards moved", (), move)
    name = "a node added, shards rebalanced" if target.add_node else "shards rebalanced"
    yield trials.run(name, (), target.rebalance)


def show(results: list[Outcome]) -> None:
    """Print a row for each fault, the reasons of 503, and the broken promises."""
    table = Table("fault", box=None, header_style="bold", pad_edge=False)
    for column in (
        *("s", "joins", "of them\nmeanwhile", "lost", "failed"),
        *(
            "503, its\nusers",
            "503, new\nplaces",
            "503,\nothers",
            "last 503\nafter",
            "longest\nwait",
        ),
        *("/livez", "two\nrooms", "nodes\ndiffer", "prepared,\nrecovered", "left"),
    ):
        table.add_column(column, justify="right")
    for one in results:
        cells = (one.acknowledged, one.joined_meanwhile, one.lost, one.failed + one.reset)
        checks = (one.doubles, one.differences, one.recovered, one.left_prepared)
        table.add_row(
            *(one.fault, f"{one.seconds:.0f}"),
            *(f"{count:,}" for count in (*cells, *one.refused.values())),
            *(f"{value:.1f} s" for value in (one.back_s, one.longest_wait_s, one.livez_s)),
            *(f"{count:,}" for count in checks),
        )
    console = Console(width=160, highlight=False)
    console.print(table)
    for one in results:
        for reason, count in one.reasons.items():
            console.print(f"{one.fault}: {count:,} × {reason}")
        for failure in one.failures:
            console.print(f"{one.fault}: {failure}")
        for promise in one.broken():
            console.print(f"broken: {promise}")


@contextmanager
def chosen_target(arguments: argparse.Namespace) -> Iterator[Target]:
    """Yield the target of the command line."""
    if arguments.local:
        with local_target(WORKERS) as target:
            yield target
        return
    if not arguments.url or not arguments.worker:
        raise SystemExit("give the URL of a distributed database and a --worker, or --local")
    require_no_members(arguments.url)
    target = Target(
        arguments.url,
        arguments.admin or arguments.url,
        arguments.worker,
        shell_actions(arguments.kill, arguments.start),
        shell_actions(arguments.freeze, arguments.thaw),
        shell_actions(arguments.kill_coordinator, arguments.start_coordinator),
        (lambda: str(arguments.new_node)) if arguments.new_node else None,
    )
    yield target
    target.wait_until_clean()
    empty(arguments.url)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url", nargs="?", help="of the distributed database, as its owner")
    parser.add_argument("--local", action="store_true", help="start a cluster on this machine")
    parser.add_argument("--admin", metavar="URL", help="of the same database, as a superuser")
    parser.add_argument("--worker", metavar="HOST:PORT", help="the one that the commands break")
    for name in ("kill", "start", "freeze", "thaw", "kill-coordinator", "start-coordinator"):
        parser.add_argument(f"--{name}", metavar="COMMAND")
    parser.add_argument("--new-node", metavar="HOST:PORT", help="to be added")
    parser.add_argument("--seconds", type=float, default=15, help="of the death and of the frost")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with chosen_target(arguments) as target:
        service = Service(target.url)
        try:
            trials = Trials(target, service, arguments.clients)
            results = []
            for outcome in outcomes(trials, arguments.seconds):
                print(f"{outcome.fault}: done", file=sys.stderr, flush=True)
                results.append(outcome)
        finally:
            service.kill()
    if arguments.json:
        print(json.dumps([asdict(one) | {"broken": one.broken()} for one in results], indent=2))
    else:
        show(results)
    raise SystemExit(any(one.broken() for one in results))


if __name__ == "__main__":
    main()
