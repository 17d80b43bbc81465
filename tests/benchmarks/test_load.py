"""The load ends with a message where a server stops answering."""

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.support.paths import ROOT


@contextmanager
def server(answer: Callable[[socket.socket], object]) -> Iterator[int]:
    """Accept one connection, read its first request and call `answer`; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                answer(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def run_load(port: int, seconds: float) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.load", "/rooms", "1", str(seconds)),
            *("user", "key", str(port)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )


def test_a_load_ends_when_its_connection_is_closed() -> None:
    with server(lambda connection: None) as port:
        done = run_load(port, 60)
    assert (done.returncode, done.stderr) == (1, "the server closed a connection\n")


def test_a_load_ends_when_its_connection_is_closed_in_a_response() -> None:
    with server(lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-")) as port:
        done = run_load(port, 60)
    assert (done.returncode, done.stderr) == (1, "the server closed a connection\n")


def test_a_load_that_nobody_answers_ends_with_a_message() -> None:
    # The server's `recv` returns when the load has ended.
    with server(lambda connection: connection.recv(1)) as port:
        done = run_load(port, 0.2)
    assert (done.returncode, done.stderr) == (1, "no response\n")
