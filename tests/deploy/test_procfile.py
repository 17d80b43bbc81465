"""The Procfile's lines, run as on a platform: in production, on a Postgres without the schema."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from app.config import ROOT, read_environment
from tests.support.databases import Server, sql_on
from tests.support.serving import KEY, Gunicorn, wait_until

LINES = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines() if line)


def environment(**variables: str) -> dict[str, str]:
    """Return a platform's environment: `python` and `gunicorn` on the PATH, and these variables."""
    return {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"} | variables


def run(line: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", line],
        cwd=ROOT,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


# The scope is the session, because loading the gazetteer takes about 10 s and tests of other
# modules may run between two of this one.
@pytest.fixture(scope="session")
def released(server: Server) -> Iterator[str]:
    """The URL, as Heroku writes it, of an empty database on which the release line ran."""
    url = server.create()
    heroku_url = "postgres://" + url.partition("://")[2]
    done = run(LINES["release"], DATABASE_URL=heroku_url, API_KEYS=KEY)
    assert done.returncode == 0, done.stderr
    yield heroku_url
    server.drop(url)


@pytest.fixture
def rolled_back(released: str) -> Iterator[str]:
    """The same database, with the schema of a newer release that was rolled back."""
    sql = sql_on(released)
    ((head,),) = sql("SELECT version_num FROM alembic_version")
    sql("UPDATE alembic_version SET version_num = '9999'")
    yield released
    sql("UPDATE alembic_version SET version_num = %s", (head,))


def place_user(url: str) -> requests.Response:
    """Start the web line, and return its response to one join."""
    web = Gunicorn(environment(DATABASE_URL=url, API_KEYS=KEY), ["sh", "-c", LINES["web"]])
    try:
        return requests.post(
            f"{web.url}/rooms",
            json={"_id": "6172f1a95cd4", "city": "Sevilla", "interests": ["surf", "coffee"]},
            headers={"Authorization": f"Bearer {KEY}"},
            timeout=10,
        )
    finally:
        web.stop()


def test_the_procfile_has_a_release_and_a_web_line() -> None:
    assert set(LINES) == {"release", "web"}


def test_after_the_release_line_the_web_line_places_users(released: str) -> None:
    response = place_user(released)
    assert response.ok, response.text
    assert response.json()["city"]["name"] == "Sevilla"


def test_the_release_line_of_a_rollback_succeeds_and_the_web_line_serves(rolled_back: str) -> None:
    done = run(LINES["release"], DATABASE_URL=rolled_back, API_KEYS=KEY)
    assert done.returncode == 0, done.stderr
    assert "Warning: the schema is at 9999" in done.stderr
    assert place_user(rolled_back).ok


def test_the_release_line_stops_at_the_first_command_that_fails(server: Server) -> None:
    done = run(LINES["release"], DATABASE_URL=server.url_of("missing"), API_KEYS=KEY)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr


@pytest.mark.parametrize(
    ("line", "variables"),
    [
        ("web", {}),
        # Explicit, because after `make run` manage.py defaults to development.
        ("release", {"APP_ENV": "production"}),
    ],
)
def test_production_refuses_to_start_without_its_variables_and_names_them(
    line: str, variables: dict[str, str]
) -> None:
    done = run(LINES[line], **variables)
    assert done.returncode != 0
    assert "DATABASE_URL is missing" in done.stderr
    assert "API_KEYS is missing" in done.stderr


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"DATABASE_URL": "postgres://host/name", "API_KEYS": KEY, "PORT": "{busy}"},
        {"DATABASE_URL": "postgres://host/name", "API_KEYS": KEY, "LOG_LEVEL": "loud"},
    ],
)
def test_a_failed_start_leaves_nothing_in_the_temporary_folder(
    variables: dict[str, str], tmp_path: Path
) -> None:
    with socket.create_server(("0.0.0.0", 0)) as busy:
        port = str(busy.getsockname()[1])
        # Explicit, because after `make run` manage.py defaults to development.
        values = {"APP_ENV": "production"}
        values |= {name: value.format(busy=port) for name, value in variables.items()}
        for line in LINES.values():
            assert run(line, TMPDIR=str(tmp_path), **values).returncode != 0
    assert list(tmp_path.iterdir()) == []


def test_a_platform_that_requests_17_workers_gets_those_that_have_a_connection(
    released: str,
) -> None:
    variables = {"DATABASE_URL": released, "API_KEYS": KEY, "WEB_CONCURRENCY": "17"}
    done = run(LINES["release"], **variables)
    assert done.returncode == 0, done.stderr
    web = Gunicorn(environment(**variables), ["sh", "-c", LINES["web"]])
    try:
        wait_until(lambda: web.log.read_text().count("Booting worker") == 10)
    finally:
        web.stop()
    assert "WEB_CONCURRENCY is 17, but 10 workers start" in web.log.read_text()


def test_app_json_has_all_variables_that_production_needs() -> None:
    manifest = json.loads((ROOT / "app.json").read_text())
    assert manifest["addons"] == ["heroku-postgresql"]
    # Heroku generates 64 hexadecimal digits for "generator": "secret".
    variables = {name: entry.get("value", "0" * 64) for name, entry in manifest["env"].items()}
    settings = read_environment({"DATABASE_URL": "postgres://u:p@host/name"} | variables)
    assert settings.workers == 2


def test_the_migrations_run_with_extensions_in_a_schema_of_their_own(server: Server) -> None:
    url = server.create()
    sql = sql_on(url)
    sql("CREATE SCHEMA heroku_ext; CREATE EXTENSION pg_trgm WITH SCHEMA heroku_ext")
    name = urlsplit(url).path[1:]
    sql(f'ALTER DATABASE {name} SET search_path = "$user", public, heroku_ext')
    done = run("python manage.py db upgrade", DATABASE_URL=url, API_KEYS=KEY)
    assert done.returncode == 0, done.stderr
    server.drop(url)
