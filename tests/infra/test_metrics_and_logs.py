"""Metrics and logs: complete, and without personal data."""

import fcntl
import json
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from http.client import HTTPResponse
from pathlib import Path

import psutil
import pytest
import requests

from tests.support.http import response_on
from tests.support.serving import KEY, Gunicorn, wait_until

METRICS_KEY = "a-key-for-the-scraper-alone"
STOP_TIMEOUT_S = 8


def scrape(server: Gunicorn) -> dict[str, float]:
    text = requests.get(
        f"{server.url}/metrics", headers={"Authorization": f"Bearer {METRICS_KEY}"}, timeout=10
    ).text
    return {
        name: float(value)
        for name, value in re.findall(r"^(nomad_rooms\S*) (\S+)$", text, re.MULTILINE)
    }


def join(server: Gunicorn, user: str, city: str = "Sevilla") -> int:
    response = requests.post(
        f"{server.url}/rooms",
        json={"_id": user, "city": city, "interests": ["surf", "secretHobby"]},
        headers={"Authorization": f"Bearer {KEY}"},
        timeout=10,
    )
    return response.status_code


def send_raw(server: Gunicorn, request: bytes) -> HTTPResponse:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(request)
        return response_on(connection)


def test_metrics_are_the_sum_of_all_workers_and_survive_them(
    serve: Callable[..., Gunicorn],
) -> None:
    server = serve(METRICS_KEY=METRICS_KEY, WEB_CONCURRENCY="2")
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda n: join(server, f"u{n}"), range(60)))
    join(server, "u0", "Granada")
    join(server, "u1", "Vila d'Enlloc")
    assert statuses.count(201) == 1
    expected = {
        "nomad_rooms_joins_total": 60,
        "nomad_rooms_moves_total": 2,
        "nomad_rooms_rooms_created_total": 3,
        "nomad_rooms_unlisted_cities_total": 1,
        'nomad_rooms_requests_total{method="POST",route="/rooms",status="201"}': 3,
    }
    # A worker counts its responses between two polls of its sockets.
    wait_until(lambda: expected.items() <= scrape(server).items(), lambda: str(scrape(server)))
    assert any(name.startswith("nomad_rooms_model{") for name in scrape(server))
    # The counts of a killed worker remain.
    workers = re.findall(r"Booting worker with pid: (\d+)", server.log.read_text())
    os.kill(int(workers[0]), signal.SIGKILL)
    wait_until(lambda: len(re.findall("Booting worker", server.log.read_text())) == 3)
    wait_until(server.is_ready)
    assert scrape(server)["nomad_rooms_joins_total"] == 60


def test_the_scrapers_key_opens_metrics_and_nothing_else(
    serve: Callable[..., Gunicorn],
) -> None:
    server = serve(METRICS_KEY=METRICS_KEY)
    for key, path, status in (
        (METRICS_KEY, "/metrics", 200),
        (KEY, "/metrics", 401),
        (METRICS_KEY, "/changes", 401),
        (KEY, "/changes", 200),
    ):
        headers = {"Authorization": f"Bearer {key}"}
        assert (
            requests.get(f"{server.url}{path}", headers=headers, timeout=10).status_code == status
        )


def test_no_log_line_has_user_ids_interests_cities_or_keys(serve: Callable[..., Gunicorn]) -> None:
    server = serve(METRICS_KEY=METRICS_KEY)
    headers = {"Authorization": f"Bearer {KEY}", "X-Request-ID": "traced-1"}
    assert join(server, "user:zoe") == 201
    assert requests.get(f"{server.url}/users/user:zoe", headers=headers, timeout=10).ok
    requests.get(f"{server.url}/cities?q=sevi", timeout=10)
    requests.get(f"{server.url}/nowhere/user:zoe", headers=headers, timeout=10)
    requests.post(f"{server.url}/rooms", data="user:zoe", headers=headers, timeout=10)
    for status, unparsable in (
        (400, b"GET /users/user:zoe\r\nAuthorization Bearer zoe\r\n\r\n"),
        (414, b"GET /users/user:zoe?" + b"a" * 5000 + b" HTTP/1.1\r\n\r\n"),
        (431, b"GET /users/user:zoe HTTP/1.1\r\nCookie: " + b"a" * 9000 + b"\r\n\r\n"),
    ):
        refused = send_raw(server, unparsable)
        assert refused.status == status
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert json.load(refused)["status"] == status
    server.stop()
    log = server.log.read_text()
    # No secret here could be a part of a time, a process id or a hexadecimal request id.
    for secret in ("zoe", "secretHobby", "surf", "sevi", KEY, METRICS_KEY):
        assert secret not in log, secret
    lines = [json.loads(line) for line in log.splitlines()]
    # Workers write independently, so lines of two workers may be out of order.
    entries = [line for line in lines if line["event"] == "request"]
    entries.sort(key=lambda line: datetime.fromisoformat(line["at"]))
    assert {"POST", "GET"} == {line["method"] for line in entries}
    traced = [line for line in entries if line["request_id"] == "traced-1"]
    assert [line["route"] for line in traced] == ["/users/<user_id>", "none", "/rooms"]
    assert all(line["ms"] > 0 for line in entries)
    assert [line["room_created"] for line in entries if line["status"] == 201] == [True]


@pytest.fixture
def blocked_log(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """The path of a pipe that holds some 20 lines, and a descriptor to read it."""
    fifo = tmp_path / "log"
    os.mkfifo(fifo)
    # Opened for reading and writing: like a terminal that has stopped scrolling.
    log = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    fcntl.fcntl(log, fcntl.F_SETPIPE_SZ, 4096)
    yield str(fifo), log
    os.close(log)


def serve_with_log(serve: Callable[..., Gunicorn], log: str, **environment: str) -> Gunicorn:
    gunicorn = Path(sys.executable).parent / "gunicorn"
    shell = f"exec {gunicorn} -c gunicorn.conf.py 'app:create_app()' 2>{log}"
    return serve(["bash", "-c", shell], **environment)


def children_of(pid: int) -> set[int]:
    return {child.pid for child in psutil.Process(pid).children()}


def test_a_blocked_log_delays_no_response_and_is_written_later(
    serve: Callable[..., Gunicorn], blocked_log: tuple[str, int]
) -> None:
    path, log = blocked_log
    server = serve_with_log(serve, path)
    assert all(requests.get(f"{server.url}/interests", timeout=10).ok for _ in range(100))
    read = b""

    def is_complete() -> bool:
        nonlocal read
        with suppress(BlockingIOError):
            while chunk := os.read(log, 4096):
                read += chunk
        return read.count(b'"/interests"') == 100

    wait_until(is_complete, lambda: read.decode())
    assert all(json.loads(line) for line in read.splitlines())


def test_a_blocked_log_stops_neither_workers_nor_their_replacement_nor_the_end(
    serve: Callable[..., Gunicorn], blocked_log: tuple[str, int]
) -> None:
    server = serve_with_log(serve, blocked_log[0], LOG_LEVEL="DEBUG", WEB_CONCURRENCY="2")
    for _ in range(60):
        assert send_raw(server, b"not HTTP\r\n\r\n").status == 400
    for _ in range(5):
        victim = min(workers := children_of(server.process.pid))
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: len(children_of(server.process.pid) - {victim}) == len(workers))  # noqa: B023
        wait_until(server.is_ready)
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < STOP_TIMEOUT_S


def test_replaced_workers_leave_no_metrics_files_behind(
    serve: Callable[..., Gunicorn],
) -> None:
    server = serve(METRICS_KEY=METRICS_KEY, WEB_CONCURRENCY="2")
    files = Path(f"/proc/{server.process.pid}/maps").read_text()
    directory = re.findall(r"(\S+)/\w+\.db$", files, re.MULTILINE)[0]
    for number in range(10):
        assert join(server, f"u{number}") in (200, 201)
        os.kill(min(children_of(server.process.pid)), signal.SIGKILL)
        wait_until(lambda: len(children_of(server.process.pid)) == 2)
        wait_until(server.is_ready)
    assert scrape(server)["nomad_rooms_joins_total"] == 10
    # Counters, histograms and gauges of two workers, and of the arbiter.
    assert 0 < len(list(Path(directory).glob("*.db"))) <= 3 * 3
