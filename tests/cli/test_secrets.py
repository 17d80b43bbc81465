"""No command prints a secret of its environment: in what it changes, in help, or about a mistake.

tests/cli/test_every_command.py looks for the secrets in all that it runs.
"""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from sqlalchemy.engine import make_url

from manage import manage as manage_group
from tests.cli.test_every_command import CASES, fill, write_files
from tests.support.analysts import Analyst
from tests.support.commands import FLASK_MIGRATE_GROUPS, command_paths
from tests.support.databases import Server, direct_url
from tests.support.manage import run_manage
from tests.support.secrets import (
    find_secrets,
    make_password,
    secret_environment,
)

# --help: the command would change the project's files, or needs Citus.
DB_ARGUMENTS = {
    "check": "",
    "current": "--verbose",
    "distribute": "--help",
    "downgrade": "--sql 0002:0001",
    "heads": "",
    "history": "",
    "migrate": "--help",
    "revision": "--help",
    "show": "",
    "stamp": "--sql head",
    "upgrade": "",
}
# Several commands remove empty places, and some delete what others need.
FIRST = ("cities rename", "cities unmerge")
LAST = ("cities merge", "users forget", "analysts revoke")


@pytest.fixture
def role(server: Server) -> Iterator[str]:
    """A name for a role, which is dropped at the end."""
    name = f"case_{uuid.uuid4().hex[:8]}"
    yield name
    server.execute(f"DROP ROLE IF EXISTS {name}")


@pytest.fixture(scope="module")
def secrets(url: str, owner: str) -> dict[str, str]:
    return secret_environment(url, owner)


def run(*arguments: str, **environment: str) -> Any:
    """Run manage.py, and check that its output holds no secret."""
    done = run_manage(*arguments, **environment)
    assert find_secrets(done.stdout + done.stderr) == []
    return done


def groups() -> list[str]:
    context = click.Context(manage_group)
    return ["", *(name for name in manage_group.list_commands(context))]


@pytest.mark.parametrize("path", sorted({*command_paths(manage_group), *groups()}))
def test_help_holds_no_secret(path: str, secrets: dict[str, str]) -> None:
    assert run(*path.split(), "--help", **secrets).returncode == 0


def test_every_command_of_the_schema_has_arguments_here() -> None:
    (name,) = FLASK_MIGRATE_GROUPS
    context = click.Context(manage_group)
    group = manage_group.get_command(context, name)
    assert isinstance(group, click.Group)
    assert sorted(group.list_commands(context)) == sorted(DB_ARGUMENTS)


@pytest.mark.parametrize("name", sorted(DB_ARGUMENTS))
def test_a_command_of_the_schema_prints_no_secret(name: str, secrets: dict[str, str]) -> None:
    done = run("db", name, *DB_ARGUMENTS[name].split(), **secrets)
    assert done.returncode == 0, done.stderr


def test_a_demo_prints_no_secret(secrets: dict[str, str]) -> None:
    run("demo", "--users", "100", "--dry-run", APP_ENV="testing", **secrets)
    assert run("demo", "--users", "100", "--yes", **secrets).returncode == 1  # production


def test_a_change_prints_no_secret(
    url: str, secrets: dict[str, str], tmp_path: Path, role: str
) -> None:
    write_files(tmp_path)
    words = fill(url) | {"place": tmp_path, "role": role}
    for option in ((), ("--json",), ("--new-password",)):
        assert run("analysts", "grant", role, "--yes", *option, **secrets).returncode == 0
    changing = [name for name, case in CASES.items() if "--dry-run" in case.call]
    changing.remove("cities remove")  # its place is gone by then; tests/cli/test_every_command.py
    between = set(changing) - {"analysts grant", *FIRST, *LAST}
    for name in [*FIRST, *sorted(between), *LAST]:
        arguments = CASES[name].call.replace("--dry-run", "--yes").format(**words)
        done = run(*name.split(), *arguments.split(), **secrets)
        assert done.returncode == 0, (name, done.stderr)


@pytest.mark.parametrize(
    "form",
    [
        "postgresql://owner:{password}@localhost/rooms",
        "postgresql://owner:{password}",
        "postgresql://{password}@localhost/rooms",
        "postgresql://localhost/rooms?password={password}",
        "postgresql://owner@localhost:{password}/rooms",
        "postgresql://owner:ownerSecret",
        "postgresql://owner@localhost:ownerSecret/rooms",
        "mysql://owner:{password}@localhost/rooms",
        "{password}",
    ],
)
@pytest.mark.parametrize("variable", ["DATABASE_URL", "DIRECT_DATABASE_URL"])
def test_an_address_that_cannot_be_used_is_not_repeated(
    form: str, variable: str, secrets: dict[str, str]
) -> None:
    unusable = form.format(password=make_password("ownerSecret"))
    done = run("stats", **secrets | {"DIRECT_DATABASE_URL": "", variable: unusable})
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
    assert variable in done.stderr or "reached" in done.stderr


def test_the_address_of_an_analyst_holds_no_other_password(
    url: str, owner: str, role: str, secrets: dict[str, str]
) -> None:
    password = make_password("directSecret")
    for where, hidden in (
        ({"username": owner}, {"password": password, "sslpassword": password}),
        ({"username": ""}, {"user": owner, "password": password}),
    ):
        address = make_url(direct_url(url)).set(**where).update_query_dict(hidden)
        direct = {"DIRECT_DATABASE_URL": address.render_as_string(hide_password=False)}
        for option in ((), ("--new-password",)):
            run("analysts", "grant", role, "--yes", *option, **secrets | direct)
            done = run("analysts", "grant", role, "--yes", "--json", *option, **secrets | direct)
            granted = json.loads(done.stdout)
            assert make_url(granted["url"]).password == granted["password"]
        assert Analyst(granted["url"]).query("SELECT current_user") == [(role,)]
    run("analysts", "revoke", role, "--yes", **secrets)
