"""A Citus cluster with a distributed database, whose workers can be broken: any, or a local one."""

import argparse
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2

from tests.support import citus
from tests.support.databases import CitusServer, migrate
from tests.support.serving import wait_until

WORKERS = 3
# Citus' default; the tests' helper has fewer.
SHARDS = "citus.shard_count=32"
PLAIN_SETTINGS = ("max_connections=300",)
# What requests write on all nodes.
HASH_OF_ROOMS = """
    SELECT md5(string_agg(concat_ws(' ', id, city_id, cluster_id), ',' ORDER BY id)) FROM rooms
"""
HASH_OF_PLACES = """
    SELECT md5(string_agg(concat_ws(' ', id, name), ',' ORDER BY id)) FROM cities WHERE NOT listed
"""
COUNT_PREPARED = "SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()"
NODES_OF_USERS = """
    SELECT user_id, nodename || ':' || nodeport
    FROM unnest(%s::text[]) AS user_id
    JOIN pg_dist_placement
        ON shardid = get_shard_id_for_distribution_column('memberships', user_id)
    JOIN pg_dist_node USING (groupid)
"""
COUNT_DOUBLES = (
    "SELECT count(*) - count(DISTINCT user_id) FROM memberships",
    "SELECT count(*) - count(DISTINCT (city_id, cluster_id)) FROM rooms",
)
SHARDS_OF_NODE = """
    SELECT shardid FROM citus_shards
    WHERE table_name = 'memberships'::regclass AND nodename || ':' || nodeport = '{node}'
    ORDER BY shardid
"""
FIND_ANOTHER = """
    SELECT nodename || ':' || nodeport FROM pg_dist_node
    WHERE shouldhaveshards AND isactive AND nodename || ':' || nodeport <> '{node}' LIMIT 1
"""
Action = Callable[[], object]


@dataclass(frozen=True)
class Target:
    """A distributed database, and one worker, `host:port` as Citus lists it, that can be broken.

    `admin`: a superuser's URL of the same database on the coordinator, which the last pair of
    actions kills and starts. `add_node` starts another server and returns its `host:port`; it and
    the pairs of actions are None where nobody said how.
    """

    url: str
    admin: str
    worker: str
    kill_and_start: tuple[Action, Action] | None = None
    freeze_and_thaw: tuple[Action, Action] | None = None
    coordinator: tuple[Action, Action] | None = None
    add_node: Callable[[], str] | None = None

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements as the superuser; return the rows of the last."""
        return citus.execute(self.admin, *statements)

    def wait_until_complete(self) -> None:
        """Wait until each node answers."""

        def answers() -> bool:
            with suppress(psycopg2.Error):
                return self.on_all_nodes("SELECT 1") == {"1"}
            return False

        wait_until(answers)

    def on_all_nodes(self, query: str) -> set[str]:
        """Return the different results of a query that returns one value on each node."""
        rows = self.execute(f"SELECT success, result FROM run_command_on_all_nodes($${query}$$)")
        if not all(success for success, _ in rows):
            raise psycopg2.OperationalError(str(rows))
        return {result for _, result in rows}

    def count_differences(self) -> int:
        """Return how many nodes' rooms or typed places differ from those of the first."""
        return sum(len(self.on_all_nodes(query)) - 1 for query in (HASH_OF_ROOMS, HASH_OF_PLACES))

    def count_doubles(self) -> int:
        """Return how many users are in two rooms, and how many pairs have two rooms."""
        return sum(int(self.execute(query)[0][0]) for query in COUNT_DOUBLES)

    def recover_prepared(self) -> tuple[int, int]:
        """Let Citus end prepared transactions; return how many it did, and how many are left."""
        ((recovered,),) = self.execute("SELECT recover_prepared_transactions()")
        rows = self.execute(
            f"SELECT sum(result::int) FROM run_command_on_all_nodes($${COUNT_PREPARED}$$)"
        )
        return int(recovered), int(rows[0][0])

    def wait_until_clean(self) -> None:
        """Wait until Citus has dropped what it moved away.

        Until then the foreign keys of a shard's old copy refuse to remove rooms.
        """
        wait_until(lambda: self.execute("SELECT count(*) FROM pg_dist_cleanup") == [(0,)])

    def move_shards(self, number: int) -> None:
        """Move shards of the worker to another one."""
        ((other,),) = self.execute(FIND_ANOTHER.format(node=self.worker))
        for (shard,) in self.execute(SHARDS_OF_NODE.format(node=self.worker))[:number]:
            nodes = f"{quoted(self.worker)}, {quoted(other)}"
            self.execute(f"SELECT citus_move_shard_placement({shard}, {nodes})")

    def rebalance(self) -> None:
        """Add the new node, if there is one, and let Citus distribute the shards evenly."""
        if self.add_node:
            node = self.add_node()
            self.execute(f"SELECT citus_add_node({quoted(node)})")
        self.execute("SELECT citus_rebalance_start()", "SELECT citus_rebalance_wait()")
        if self.add_node and not self.execute(SHARDS_OF_NODE.format(node=node)):
            raise SystemExit(f"the new node {node} got no shards: see citus_rebalance_status()")


def shell_actions(*commands: str | None) -> tuple[Action, Action] | None:
    """Return two shell commands as actions, None where one of them is missing."""

    def run(command: str) -> None:
        if subprocess.run(command, shell=True, check=False).returncode:
            raise SystemExit(f"this command failed, and the load has left its members: {command}")

    first, second = (command and partial(run, command) for command in commands)
    return (first, second) if first and second else None


def quoted(node: str) -> str:
    """Return a node's host and port as two arguments of Citus' functions."""
    host, _, port = node.rpartition(":")
    return f"'{host}', {int(port)}"


@contextmanager
def local_cluster(workers: int) -> Iterator[tuple[citus.Cluster, str]]:
    """Yield a cluster on this machine, and the URL of a released, distributed database on it."""
    with local_home() as home, citus.cluster(workers, home, SHARDS) as cluster:
        server = CitusServer(cluster.urls, "local")
        url = server.create()
        server.release(url)
        yield cluster, url


@contextmanager
def local_target(workers: int) -> Iterator[Target]:
    """Yield a cluster on this machine, of which the first worker can be broken."""
    with local_cluster(workers) as (cluster, url):
        coordinator, victim = cluster.nodes[:2]
        name = citus.name_of(url)

        def add_node() -> str:
            node = cluster.start_node()
            citus.prepare_nodes([node.url], name)
            return f"{citus.HOST}:{node.port}"

        yield Target(
            url,
            citus.with_database(cluster.urls[0], name),
            f"{citus.HOST}:{urlsplit(victim.url).port}",
            (victim.kill, victim.start),
            (victim.freeze, victim.thaw),
            (coordinator.kill, coordinator.start),
            add_node,
        )


@contextmanager
def local_plain() -> Iterator[str]:
    """Yield the URL of a database on a server of the same PostgreSQL without Citus."""
    with local_home() as home:
        node = citus.Node(home / "plain", PLAIN_SETTINGS)
        try:
            citus.execute(node.url, "CREATE DATABASE plain TEMPLATE template0")
            yield citus.with_database(node.url, "plain")
        finally:
            node.stop()


def add_databases(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that `chosen_databases` reads."""
    parser.add_argument("cluster", nargs="?", help="URL of the distributed database")
    parser.add_argument("plain", nargs="?", help="URL of the database without Citus")
    parser.add_argument("--local", action="store_true", help="start both on this machine")


@contextmanager
def chosen_databases(arguments: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Yield the URLs of a distributed database and of a plain one: given ones, or local ones."""
    if arguments.local:
        with local_cluster(WORKERS) as (_, cluster), local_plain() as plain:
            migrate(plain)
            yield cluster, plain
    elif arguments.cluster and arguments.plain:
        yield arguments.cluster, arguments.plain
    else:
        raise SystemExit("give the URLs of a distributed and of a plain database, or --local")


@contextmanager
def local_home() -> Iterator[Path]:
    """Yield a directory into which the user of the servers may write."""
    with tempfile.TemporaryDirectory(prefix="nomad-citus-") as directory:
        home = Path(directory)
        home.chmod(0o777)
        yield home
