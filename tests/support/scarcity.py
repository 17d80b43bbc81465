"""A server on which only some connections are free."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.support.postgres import MAX_CONNECTIONS, Postgres
from tests.support.serving import wait_until

COUNT = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
COUNT_OURS = f"{COUNT} AND application_name = 'nomad-rooms'"


@contextmanager
def free_connections(postgres: Postgres, number: int) -> Iterator[Callable[[str], int]]:
    """Occupy all connections but some; yield a function that runs a query on an occupied one."""
    taken = postgres.take_all_connections()

    def ask(query: str) -> int:
        with taken[0].cursor() as cursor:
            cursor.execute(query)
            ((result,),) = cursor.fetchall()
            return int(result)

    try:
        for _ in range(number):
            taken.pop().close()
        # The server counts a connection until its process has ended.
        wait_until(lambda: ask(COUNT) == MAX_CONNECTIONS - number)
        yield ask
    finally:
        for connection in taken:
            connection.close()
        wait_until(postgres.has_free_connections)
