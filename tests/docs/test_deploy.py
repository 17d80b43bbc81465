"""Runs the commands and requests of docs/deploy.md, and compares its tables with the service."""

import json
import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from app.config import ROOT, read_environment
from model.predict import Model
from tests.support.documents import Curl, shapes
from tests.support.manage import run_manage
from tests.support.members import place_anywhere
from tests.support.serving import KEY, Gunicorn

PAGE = (ROOT / "docs" / "deploy.md").read_text()
BLOCKS = re.findall(r"^ *```sh\n(.*?)^ *```$", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [command.strip() for block in BLOCKS for command in block.splitlines()]
METRICS_KEY = "a-key-for-the-scraper"
VARIABLE = r"^\| `([A-Z_]+)` \| (.*?) \|"


class RecordingEnvironment(dict[str, str]):
    """An environment that records which variables are read."""

    def __init__(self, **variables: str) -> None:
        super().__init__(variables)
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)


@pytest.fixture
def gunicorn(serve: Callable[..., Gunicorn]) -> Gunicorn:
    """A server with a METRICS_KEY."""
    return serve(METRICS_KEY=METRICS_KEY)


def commands_of(program: str) -> list[str]:
    return [command for command in COMMANDS if command.split()[0] == program]


def test_every_command_of_the_page_is_run_by_a_test() -> None:
    in_procfile = {line.partition(": ")[2] for line in (ROOT / "Procfile").read_text().splitlines()}
    others = [command for command in COMMANDS if command not in in_procfile]
    # tests/deploy runs the lines of the Procfile, the tests below run the others.
    assert len(others) == len(COMMANDS) - 2
    assert Counter(command.split()[0] for command in others) == {"python": 6, "curl": 3}


def test_a_key_generated_as_the_page_shows_is_accepted() -> None:
    command = next(command for command in commands_of("python") if "secrets" in command)
    _, *arguments = shlex.split(command)
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True)
    key = done.stdout.strip()
    settings = read_environment({"DATABASE_URL": "postgres://u:p@host/name", "API_KEYS": key})
    assert settings.api_keys == (key,)


def test_the_pages_command_shows_the_revision_of_the_schema(new_database: str) -> None:
    (command,) = [line for line in commands_of("python") if line.endswith("db current")]
    done = run_manage(*shlex.split(command)[2:], DATABASE_URL=new_database)
    assert done.returncode == 0, done.stderr
    assert "(head)" in done.stdout


def test_the_commands_for_a_new_model_run(new_database: str, model: Model) -> None:
    place_anywhere(new_database, model, 300)
    outputs = []
    for command in commands_of("python"):
        if command.startswith("python manage.py model"):
            done = run_manage(*shlex.split(command)[2:], DATABASE_URL=new_database)
            assert done.returncode == 0, done.stderr
            outputs.append(done.stdout)
    drift, registered, plan, moved = outputs
    assert "2026-10" in drift
    assert "would be registered" in registered or "is registered" in registered
    moving = re.search(r"([\d,]+) of 300 members move", plan)
    assert moving is not None
    assert f"reassigned: {moving[1]} people moved" in moved


def test_the_page_describes_every_variable_and_no_other() -> None:
    described = dict(re.findall(VARIABLE, PAGE, re.MULTILINE))
    environment = RecordingEnvironment(DATABASE_URL="postgres://u:p@host/name", API_KEYS="0" * 32)
    settings = read_environment(environment)
    assert set(described) == environment.names
    assert described["WEB_CONCURRENCY"] == str(settings.workers)
    assert described["WEB_THREADS"] == str(settings.threads)
    assert described["ANALYTICS_MIN_GROUP"] == str(settings.analytics_min_group)
    assert described["PORT"] == str(settings.port)
    assert described["LOG_LEVEL"] == f"`{settings.log_level}`"
    assert described["DEFAULT_COUNTRY"] == f"`{settings.default_country}`"
    assert described["APP_ENV"] == f"`{settings.app_env}`"


def test_the_requests_of_the_page_succeed_and_it_describes_every_metric(gunicorn: Gunicorn) -> None:
    responses = []
    for command in commands_of("curl"):
        curl = Curl.parse(command, ROOMS=gunicorn.url, METRICS_KEY=METRICS_KEY, KEY=KEY)
        responses.append(
            requests.request(curl.method, curl.address, headers=curl.headers, timeout=5)
        )
    assert [response.status_code for response in responses] == [200, 200, 200]
    live, ready, metrics = responses
    assert live.json() == ready.json() == {"status": "ok"}
    names = set(re.findall(r"^# TYPE (nomad_rooms_\w+)", metrics.text, re.MULTILINE))
    assert names == set(re.findall(r"^\| `(nomad_rooms_\w+)` \|", PAGE, re.MULTILINE))


def test_a_clients_key_cannot_read_the_metrics(gunicorn: Gunicorn) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    assert requests.get(f"{gunicorn.url}/metrics", headers=headers, timeout=5).status_code == 401


def test_a_request_writes_the_log_line_of_the_page(gunicorn: Gunicorn) -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    body = {"_id": "6172f1a95cd4", "city": "Sevilla", "interests": ["surf"]}
    headers = {"Authorization": f"Bearer {KEY}", "X-Request-ID": "of-this-test"}
    requests.post(f"{gunicorn.url}/rooms", json=body, headers=headers, timeout=5)
    gunicorn.stop()
    lines = [json.loads(line) for line in Path(gunicorn.log).read_text().splitlines()]
    (line,) = [line for line in lines if line.get("request_id") == "of-this-test"]
    assert shapes(line) == shapes(json.loads(shown))
    for name in ("level", "event", "logger", "method", "route", "status", "room_created"):
        assert line[name] == json.loads(shown)[name]


def test_two_keys_are_valid_while_one_replaces_the_other(serve: Callable[..., Gunicorn]) -> None:
    old, new = "the-old-key-of-a-client", "the-new-key-of-a-client"
    url = serve(API_KEYS=f"{old},{new}").url

    def status(key: str) -> int:
        headers = {"Authorization": f"Bearer {key}"}
        return requests.get(f"{url}/rooms", headers=headers, timeout=5).status_code

    assert [status(old), status(new), status("another-key")] == [200, 200, 401]
