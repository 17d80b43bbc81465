"""DATABASE_URL with several hosts: two servers, of which one is stopped."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from app.config import read_environment
from app.domain.analytics.grants import address_of
from app.factory import create_cli_app
from app.services import services
from tests.support.manage import run_manage
from tests.support.postgres import Postgres
from tests.support.serving import KEY, Gunicorn

# {live} and {dead}: the ports of the servers.
SPELLINGS = [
    "postgresql://postgres@/{database}?host=127.0.0.1:{dead}&host=127.0.0.1:{live}",
    "postgresql://postgres@/{database}?host=127.0.0.1,127.0.0.1&port={dead},{live}",
    "postgresql://postgres@/{database}?host=127.0.0.1%2C127.0.0.1&port={dead}%2C{live}",
    "postgresql://postgres@127.0.0.1:{dead},127.0.0.1:{live}/{database}",
    "postgres://postgres:p%40w%2C%2F@127.0.0.1:{dead},127.0.0.1:{live}/{database}",
    "postgresql+psycopg2://postgres@localhost:{dead},127.0.0.1:{live}/{database}",
    "postgresql://127.0.0.1:{dead},127.0.0.1:{live}/{database}?user=postgres",
    "postgresql://postgres@[::1]:{dead},127.0.0.1:{live}/{database}",
    "postgresql://postgres@127.0.0.1,127.0.0.1/{database}?port={dead},{live}",
    "postgresql://postgres@missing.invalid,127.0.0.1:{live}/{database}",
    "postgresql://postgres@missing.invalid,127.0.0.1/{database}?port={live}",
    "postgresql://postgres@%2Fmissing,127.0.0.1:{live}/{database}",
    "postgresql://postgres@/{database}?hostaddr=127.0.0.1,127.0.0.1&port={dead},{live}",
    "postgresql://postgres@127.0.0.1:{dead},127.0.0.1:{live}/{database}"
    "?target_session_attrs=read-write&sslmode=disable&load_balance_hosts=random",
]


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, object]]:
    """The ports of a server that runs and of one that was stopped, and a database of the first."""
    home = Path(tempfile.mkdtemp(prefix="several-hosts-"))
    home.chmod(0o777)
    started = []
    for name in ("live", "dead"):
        (home / name).mkdir(mode=0o777)
        (home / name).chmod(0o777)
        started.append(Postgres(home / name))
    live, dead = started
    dead.stop()
    live.create_template()
    yield {"live": live.port, "dead": dead.port, "database": "released"}
    live.stop()
    shutil.rmtree(home, ignore_errors=True)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_dead_host_is_passed_over(spelling: str, servers: dict[str, object]) -> None:
    environment = {"DATABASE_URL": spelling.format(**servers), "API_KEYS": KEY}
    with create_cli_app(read_environment(environment)).app_context():
        database = services().database
        (row,) = database.execute("SELECT inet_server_port() AS port")
        assert row.port == servers["live"]
        apart = database.apart()
        assert apart.execute("SELECT inet_server_port() AS port") == [row]
        apart.close()
        database.close()


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_an_analysts_address_leads_to_the_same_hosts(
    spelling: str, servers: dict[str, object]
) -> None:
    environment = {"DATABASE_URL": spelling.format(**servers), "API_KEYS": KEY}
    with create_cli_app(read_environment(environment)).app_context():
        address = address_of(services().database, "postgres", None)
    connection = psycopg2.connect(address)
    assert connection.info.port == servers["live"]
    connection.close()


def test_commands_and_the_service_pass_over_a_dead_host(servers: dict[str, object]) -> None:
    url = "postgresql://postgres:secret@localhost:{dead},127.0.0.1:{live}/{database}"
    variables = {"DATABASE_URL": url.format(**servers), "API_KEYS": KEY}
    for arguments in (("stats",), ("db", "current"), ("db", "upgrade")):
        done = run_manage(*arguments, **variables)
        assert done.returncode == 0, done.stderr
    Gunicorn(variables).stop()  # it was ready


@pytest.mark.parametrize(
    "place",
    [
        "user:{secret}@A:1,B:2,C/db?port=7,8",
        "user:{secret}@A,B/db?port=1,2,3",
        "user:{secret}@A:1,B:x/db",
        "user:{secret}@A:1,B:2/db?unknown=1",
        "user:{secret}/@A,B/db",
        "user:{secret}@A,user:{secret}@B/db",
        "user:{secret}@[::1,B/db",
        "user:{secret}@/db?port=1,2",
        "user:{secret}%ZZ@A,B/db",
        "user@A,B/db?password={secret}&host",
        "user:{secret}@A/db?unknown=1",
        "user@A/db?port={secret}",
        "user@/db?host=A:{secret}&host=B:2",
        "user@/db?host=A:1&host=B:2&port=7,8,{secret}",
    ],
)
@pytest.mark.parametrize("variable", ["DATABASE_URL", "DIRECT_DATABASE_URL"])
def test_what_libpq_cannot_read_is_refused_in_one_line_without_the_password(
    place: str, variable: str
) -> None:
    url = f"postgresql://{place.format(secret='hunter2')}"
    variables = {"DATABASE_URL": "postgresql://user@A/db", variable: url}
    done = run_manage("stats", **variables)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert f" {variable} " in done.stderr
    assert "host:port,host:port" in done.stderr
    assert "hunter2" not in done.stderr
