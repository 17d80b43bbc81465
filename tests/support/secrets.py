"""An environment whose secrets are recognized in any output, however they are written there."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import psycopg2
from psycopg2 import sql

from tests.support.databases import superuser_url

# URLs, shells, JSON and CSV each write some of these differently, and some end a URL's password.
SPECIAL = "@/:?#%&+ '\"[]\\=;,$"
CORES = ("ownerSecret", "directSecret", "apiSecret", "metricsSecret")


def make_password(core: str) -> str:
    """Return a password of words with special characters between them.

    Each word has the core, so that a fragment of the password is recognized too, and the password
    percent-encoded or quoted.
    """
    return "".join(f"{core}{character}" for character in SPECIAL) + core


def with_password(url: str, role: str, core: str) -> str:
    """Return a URL for a role, with the percent-encoded password of this core."""
    rest = re.sub(r"^\w+://([^@/]*@)?", "", url)
    return f"postgresql://{role}:{quote(make_password(core), safe='')}@{rest}"


def secret_environment(url: str, role: str) -> dict[str, str]:
    """Return the environment of a service on a database, with a secret in each variable that has
    one. Commands connect to DIRECT_DATABASE_URL."""
    owner, direct, api, metrics = CORES
    return {
        "DATABASE_URL": with_password(url, role, owner),
        "DIRECT_DATABASE_URL": with_password(url, role, direct),
        "API_KEYS": f"{make_password(api).replace(',', '')},{api}-another-key",
        "METRICS_KEY": make_password(metrics),
    }


@contextmanager
def secret_role(url: str, name: str) -> Iterator[str]:
    """Yield a superuser whose password is DIRECT_DATABASE_URL's of `secret_environment`."""
    role, password = sql.Identifier(name), sql.Literal(make_password("directSecret"))
    create = sql.SQL("CREATE ROLE {} LOGIN SUPERUSER PASSWORD {}").format(role, password)
    _run(url, create)
    yield name
    _run(url, sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(role))


def find_secrets(output: str) -> list[str]:
    """Return the secrets of `secret_environment` that an output holds, in whole or in part."""
    return [core for core in CORES if core.lower() in output.lower()]


def _run(url: str, statement: sql.Composable) -> None:
    connection = psycopg2.connect(superuser_url(url))
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()
