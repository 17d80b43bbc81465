"""Runs manage.py as an admin does, for tests and benchmarks."""

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Callable
from typing import BinaryIO
from unittest import mock

from app.cli.common import main
from manage import manage as manage_group
from tests.support.databases import environment_of, sql_on
from tests.support.paths import ROOT
from tests.support.serving import KEY

Manage = Callable[..., subprocess.CompletedProcess[str]]


def run_manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py in this process, from its arguments to its exit code.

    A process for each of the suite's two hundred calls would take minutes.
    """
    if arguments[:1] == ("db",):  # pytest replaces the handlers of Alembic's log
        return run_process(*arguments, **environment)
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        mock.patch.dict(os.environ, _environment(environment), clear=True),
        mock.patch.object(sys, "argv", ["manage.py", *arguments]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main(manage_group)
        except SystemExit as exit_:
            code = int(exit_.code or 0)
    return subprocess.CompletedProcess(list(arguments), code, out.getvalue(), err.getvalue())


def _environment(environment: dict[str, str]) -> dict[str, str]:
    url = environment.get("DATABASE_URL")
    database = environment_of(url) if url else {}
    return {"PATH": os.environ["PATH"], "API_KEYS": KEY} | database | environment


def run_process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py in a process of its own."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=_environment(environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def start_process(
    *arguments: str,
    stdout: int | BinaryIO = subprocess.DEVNULL,
    stderr: int | BinaryIO = subprocess.DEVNULL,
    **environment: str,
) -> "subprocess.Popen[str]":
    """Start manage.py in a process of its own, and return at once."""
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=_environment(environment),
        stdout=stdout,
        stderr=stderr,
        text=True,
    )


def add_room(url: str, members: int) -> tuple[int, int]:
    """Create a room of cluster 1 in a new city, with members; return the ids of room and city."""
    sql = sql_on(url)
    ((city,),) = sql(
        "INSERT INTO cities (name, name_key, country_code)"
        " VALUES ('Vila', 'vila', 'ES') RETURNING id"
    )
    ((room,),) = sql("INSERT INTO rooms (city_id, cluster_id) VALUES (%s, 1) RETURNING id", (city,))
    sql(
        "INSERT INTO memberships (user_id, city_id, room_id, interests, model_id,"
        " created_at, joined_at, updated_at)"
        " SELECT 'u' || n, %s, %s, '{surf}', (SELECT id FROM models), now(), now(), now()"
        " FROM generate_series(1, %s) AS n",
        (city, room, members),
    )
    return room, city
