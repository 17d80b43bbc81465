"""A stall counts for all requests that arrive during it."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from benchmarks.open_loop import arrival_times
from tests.support.paths import ROOT

STALL_S = 1.0
RESPONSE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


@pytest.fixture
def stalling_port() -> Iterator[int]:
    """The port of a server that answers at once, except for its first answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                time.sleep(STALL_S)  # the fault under test
                connection.sendall(RESPONSE)
                while connection.recv(65536):
                    connection.sendall(RESPONSE)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def test_a_stall_delays_all_requests_that_were_due_meanwhile(stalling_port: int) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.open_loop", "/rooms", "1", "2"),
            *("user", "key", "100", str(stalling_port)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    measured = json.loads(done.stdout)
    assert (measured["refused"], measured["unanswered"]) == (0, 0)
    # About 100 requests were due during the stall, and half of them in its first half.
    assert sum(latency > STALL_S / 2 for latency in measured["latencies"]) > 20


def test_arrivals_come_at_the_rate_on_average() -> None:
    times = arrival_times(1000, 20)
    assert times == sorted(times)
    # Five standard deviations of a Poisson distribution's count.
    assert abs(len(times) - 20_000) < 5 * 20_000**0.5
