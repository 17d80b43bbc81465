"""PgBouncer in transaction mode between the service and Postgres, when TEST_POOLER names it."""

import atexit
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2
from psycopg2.extensions import parse_dsn

from local_postgres.supervisor import prefix
from tests.support.serving import free_port, wait_until

CONFIGURATION = """
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
default_pool_size = 4
max_client_conn = 500
max_db_connections = 6
server_idle_timeout = 2
# Behind a pooler the role has the timeouts, not the connection.
ignore_startup_parameters = extra_float_digits, options
"""


class Pooler:
    """A PgBouncer in front of a server; it stops when this process exits."""

    def __init__(self, binary: str, server_url: str) -> None:
        server = parse_dsn(server_url)
        self.server_url = server_url
        self.port = free_port()
        self.user = server["user"]
        self.directory = Path(tempfile.mkdtemp(prefix="pooler-"))
        self.directory.chmod(0o755)
        users = self.directory / "users.txt"
        users.write_text(f'"{self.user}" "{server.get("password", "")}"\n')
        ini = self.directory / "pgbouncer.ini"
        ini.write_text(
            CONFIGURATION.format(
                host=server["host"], port=server["port"], own_port=self.port, users=users
            )
        )
        self.command = [*prefix(), binary, str(ini)]
        self.start()
        atexit.register(self.stop)

    def start(self) -> None:
        log_file = self.directory / "log"
        with log_file.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        wait_until(self.is_ready, lambda: log_file.read_text()[-2000:])

    def is_ready(self) -> bool:
        try:
            psycopg2.connect(self.pooled(self.server_url)).close()
        except psycopg2.OperationalError:
            return False
        return True

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def pooled(self, url: str) -> str:
        """Return the URL of the same database through the pooler."""
        return f"postgresql://{self.user}@127.0.0.1:{self.port}{urlsplit(url).path}"

    def serves(self, url: str) -> bool:
        return f"@127.0.0.1:{self.port}/" in url  # a test may give a URL that nothing can read

    def direct(self, url: str) -> str:
        """Return the URL of the same database without the pooler."""
        return urlunsplit(urlsplit(self.server_url)._replace(path=urlsplit(url).path))


def pooler_for(server_url: str) -> Pooler | None:
    """Return a pooler if TEST_POOLER is the path of PgBouncer."""
    binary = os.environ.get("TEST_POOLER")
    return Pooler(binary, server_url) if binary else None
