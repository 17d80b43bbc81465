"""`make run`, as a new developer runs it."""

import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest
import requests

from tests.support.paths import ROOT
from tests.support.project import copy_project
from tests.support.serving import Gunicorn, wait_until

FIRST_START = ("copying new_names", "storing new cities", "storing names", "indexing names")


def process_ids(group: int) -> list[int]:
    done = subprocess.run(["pgrep", "-g", str(group)], capture_output=True, text=True, check=False)
    return [int(pid) for pid in done.stdout.split()]


def test_a_port_in_use_is_an_error_that_suggests_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            ["make", "run"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "PORT": str(port)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode != 0
    assert f"port {port} is in use; use another: PORT={port + 1} make run" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_make_run_serves_prints_an_example_request_and_ends_with_ctrl_c(
    number: signal.Signals,
) -> None:
    server = Gunicorn({}, ["make", "run"])
    log = server.log.read_text()
    example = re.search(r"curl (\S+) -d '(.+)'", log)
    assert example, log
    address, body = example.groups()
    assert address == f"{server.url}/rooms"
    placed = requests.post(address, data=body, timeout=10).json()
    assert placed["_id"] == json.loads(body)["_id"]
    shown = subprocess.run(
        [ROOT / ".venv/bin/python", "manage.py", "rooms", "show", str(placed["room_id"]), "--json"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(shown.stdout)["room_id"] == placed["room_id"]
    assert len(process_ids(server.process.pid)) > 1
    server.stop(number)
    wait_until(lambda: process_ids(server.process.pid) == [])


def test_the_three_lines_of_the_readme_serve_without_make(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    found = re.search(r"^```sh\n(python3 .*?)^```", readme, re.MULTILINE | re.DOTALL)
    assert found
    create, install, serve = found[1].splitlines()
    copy_project(tmp_path)
    for line in (create, install):
        subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, check=True)
    command = ["bash", "-c", f"cd '{tmp_path}' && exec {serve}"]
    server = Gunicorn({}, command, is_awaited=False)
    # A busy machine takes longer for the first start than for any step of it.
    for step in FIRST_START:
        wait_until(lambda step=step: step in server.log.read_text(), server.log.read_text)
    server.wait_until_ready()
    assert server.stop() == 0
    wait_until(lambda: process_ids(server.process.pid) == [])
