"""What `make run` says instead of starting, on a machine that is not as it should be."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.project import copy_project
from tests.support.serving import free_port
from tests.support.trials.databases import small_disk

# What is left of the small disk suffices for an empty database, not for the cities.
BALLAST_BYTES = 170_000_000


def failure(
    project: Path = ROOT, port: int | str | None = None, *, has_capabilities: bool = False
) -> str:
    """Start the server, without root's capabilities; return what it prints before it fails."""
    command = [sys.executable, "-m", "app.cli.dev_server"]
    if os.geteuid() == 0 and not has_capabilities:
        command = ["setpriv", "--inh-caps=-all", "--bounding-set=-all", *command]
    done = subprocess.run(
        command,
        cwd=project,
        env={"PATH": os.environ["PATH"], "PORT": str(port or free_port())},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    return done.stderr


def test_a_port_for_root_alone_is_not_called_in_use() -> None:
    expected = "port 80 requires root; use one from 1024 on: PORT=5000 make run\n"
    assert failure(port=80) == expected


def test_a_port_that_is_no_number_is_one_line() -> None:
    assert failure(port="http").startswith("cannot start: PORT is 'http'")


@pytest.mark.parametrize("quote", ['"', "$", "`"])
def test_a_path_that_postgres_cannot_use_is_one_line(tmp_path: Path, quote: str) -> None:
    project = tmp_path / f"a {quote} quote"
    project.mkdir()
    line = failure(copy_project(project))
    assert line.count("\n") == 1
    assert f"the path contains {quote}, which breaks initdb. Move the project." in line


def test_files_of_another_user_are_one_line(tmp_path: Path) -> None:
    instance = copy_project(tmp_path) / "instance"
    instance.mkdir(mode=0o500)
    expected = f"{instance}/development belongs to another user (root with sudo?)"
    assert failure(tmp_path) == f"{expected}, or cannot be changed\n"


def test_a_disk_that_is_full_while_cities_load_is_one_line(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        (disk / "ballast").write_bytes(bytes(BALLAST_BYTES))
        printed = failure(copy_project(disk), has_capabilities=True)
    assert "reading cities" in printed
    assert printed.splitlines()[-1].startswith("the disk of the database is full")
    assert "Traceback" not in printed


def test_ctrl_c_while_cities_load_is_one_line(tmp_path: Path) -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "app.cli.dev_server"],
        cwd=copy_project(tmp_path),
        env={"PATH": os.environ["PATH"], "PORT": str(free_port())},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stderr
    assert server.stderr.readline() == "reading cities\n"
    server.send_signal(signal.SIGINT)
    *_, last = server.communicate(timeout=60)[1].splitlines()
    assert (server.returncode, last) == (1, "stopped")
