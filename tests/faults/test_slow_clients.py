"""Clients that are slow, silent or many: the others are answered meanwhile."""

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import parse_headers
from io import BufferedReader

import psutil
import psycopg2
import pytest
import requests

from tests.support.http import response_on, session
from tests.support.service import Service
from tests.support.serving import KEY, wait_until

# What an answer may take while other clients are slow, on a loaded machine.
MAX_WAIT_S = 2.0
# app.infra.buffering_worker's limit for the arrival of a request.
ARRIVAL_LIMIT_S = 10.0
HEAD = b"POST /rooms HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer " + KEY.encode() + b"\r\n"
BODY = b'{"_id": "slow", "city": "Fault Town", "interests": ["movies"]}'
PART_OF_A_REQUEST = {
    "nothing": b"",
    "a part of a head": b"POST /rooms HTTP/1.1\r\nHost: te",
    "a part of a JSON body": HEAD + b"Content-Length: 100\r\n\r\n{",
    "a part of a form": b"POST / HTTP/1.1\r\nHost: test\r\nContent-Type: "
    b"application/x-www-form-urlencoded\r\nContent-Length: 900\r\n\r\ncity=",
    "a part of a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{",
    "a body larger than allowed": HEAD + b"Content-Length: 100000\r\n\r\n{",
}


def connect(service: Service) -> socket.socket:
    return socket.create_connection(("127.0.0.1", service.port), timeout=30)


def next_response(reader: BufferedReader) -> tuple[int, bytes]:
    """Return the status and the body of the next response on a connection."""
    status = int(reader.readline().split()[1])
    headers = parse_headers(reader)
    return status, reader.read(int(headers["Content-Length"]))


def resident_bytes(pid: int) -> int:
    return int(psutil.Process(pid).memory_info().rss)


@contextmanager
def clients_that_send(service: Service, part: bytes, number: int) -> Iterator[list[socket.socket]]:
    """Yield connections that sent a part of a request, and stay open."""
    with ExitStack() as stack:
        connections = [stack.enter_context(connect(service)) for _ in range(number)]
        for connection in connections:
            connection.sendall(part)
        yield connections


def longest_answer_s(service: Service, requests_sent: int = 20) -> float:
    """Return the longest time that a good client waits for an answer."""
    longest = 0.0
    for _ in range(requests_sent):
        began = time.monotonic()
        assert requests.get(f"{service.url}/interests", timeout=30).ok
        longest = max(longest, time.monotonic() - began)
    return longest


@pytest.mark.parametrize("part", PART_OF_A_REQUEST)
def test_clients_that_do_not_finish_their_requests_delay_no_other(
    part: str, service: Service
) -> None:
    with clients_that_send(service, PART_OF_A_REQUEST[part], 200):
        assert longest_answer_s(service) < MAX_WAIT_S


def test_a_request_that_does_not_arrive_in_time_is_refused(service: Service) -> None:
    with clients_that_send(service, PART_OF_A_REQUEST["a part of a form"], 1) as (connection,):
        began = time.monotonic()
        response = response_on(connection)
        assert ARRIVAL_LIMIT_S - 1 < time.monotonic() - began < ARRIVAL_LIMIT_S + MAX_WAIT_S
        assert response.status == 408
        assert response.headers["Content-Type"] == "application/problem+json"
        assert json.load(response)["status"] == 408
        assert connection.recv(1) == b""


def test_clients_that_do_not_read_their_responses_delay_no_other(service: Service) -> None:
    request = b"GET /openapi.json HTTP/1.1\r\nHost: test\r\n\r\n"
    with ExitStack() as stack:
        for _ in range(60):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            connection.connect(("127.0.0.1", service.port))
            connection.sendall(request * 40)
            stack.enter_context(connection)
        assert longest_answer_s(service) < MAX_WAIT_S


def test_a_large_response_reaches_a_slow_reader_whole(service: Service) -> None:
    expected = requests.get(f"{service.url}/openapi.json", timeout=30).content
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.settimeout(30)
        connection.connect(("127.0.0.1", service.port))
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: test\r\n\r\n" * 40)
        with connection.makefile("rb") as reader:
            assert all(next_response(reader) == (200, expected) for _ in range(40))


def test_clients_that_close_late_delay_no_other(service: Service) -> None:
    """The fault was a loop blocked until each client had closed its side of the connection."""
    request = b"GET /livez HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
    with clients_that_send(service, request, 120) as connections:
        for connection in connections:
            assert response_on(connection).status == 200
        assert longest_answer_s(service) < MAX_WAIT_S
    assert len(service.workers()) == 2


def test_half_closed_connections_are_answered_and_delay_no_other(service: Service) -> None:
    with ExitStack() as stack:
        for _ in range(120):
            connection = stack.enter_context(connect(service))
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: test\r\n\r\n")
            connection.shutdown(socket.SHUT_WR)
        assert longest_answer_s(service) < MAX_WAIT_S
        assert response_on(connection).status == 200
    assert len(service.workers()) == 2


def test_requests_in_pieces_or_in_one_piece_are_answered_in_their_order(service: Service) -> None:
    chunked = HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n" % (len(BODY), BODY)
    stream = (
        HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY),
        b"\r\n" + chunked + b"\r\n",
        chunked + b"X-Trailer: 1\r\n\r\n",
        b"GET /interests HTTP/1.1\r\nHost: test\r\n\r\n",
    )
    whole = b"".join(stream)
    for size in (1, 7, 100_000):
        with connect(service) as connection, connection.makefile("rb") as reader:
            for position in range(0, len(whole), size):
                connection.sendall(whole[position : position + size])
            for expected in ("room_id", "room_id", "room_id", "items"):
                status, body = next_response(reader)
                assert status in (200, 201)
                assert expected in json.loads(body)


def test_a_client_that_expects_100_continue_receives_it_before_its_body(service: Service) -> None:
    with connect(service) as connection:
        connection.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(BODY))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(BODY)
        assert response_on(connection).status in (200, 201)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}zz0\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffffff\r\n{", 413),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 20_000, 413),
        (HEAD + b"Content-Length: 100000\r\n\r\n{", 413),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 20_000, 431),
        (HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
        (HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}\r\n0\r\n\r\n", 400),
    ],
    ids=[
        "a malformed chunk size",
        "a chunk without its end",
        "a huge chunk",
        "tiny chunks",
        "a large body",
        "a long head",
        "two lengths",
        "a length and chunks",
    ],
)
def test_a_malformed_or_too_large_request_is_refused_with_a_problem_document(
    request_bytes: bytes, status: int, service: Service
) -> None:
    with connect(service) as connection:
        connection.sendall(request_bytes)
        response = response_on(connection)
        assert response.status == status
        assert response.headers["Content-Type"] == "application/problem+json"
        assert json.load(response)["status"] == status


@pytest.mark.parametrize("is_answered", [False, True], ids=["that wait", "that were answered"])
def test_more_connections_than_a_worker_holds_lock_out_no_other(
    is_answered: bool, database: str
) -> None:
    service = Service(database, GUNICORN_CMD_ARGS="--worker-connections 20")
    request = b"GET /interests HTTP/1.1\r\nHost: test\r\n\r\n"
    try:
        with clients_that_send(service, request[:-1], 200) as connections:
            for connection in connections if is_answered else ():
                with suppress(OSError):  # the service dropped it for another one
                    connection.sendall(request[-1:])
            assert longest_answer_s(service) < MAX_WAIT_S
    finally:
        service.kill()


def test_the_workers_share_the_clients_evenly(service: Service) -> None:
    def shares() -> list[int]:
        return [
            sum(
                found.laddr.port == service.port and found.status != psutil.CONN_LISTEN
                for found in psutil.Process(pid).net_connections("tcp")
            )
            for pid in service.workers()
        ]

    def is_even() -> bool:
        wait_until(lambda: sum(shares()) == 0)
        with ExitStack() as stack:
            clients = [stack.enter_context(connect(service)) for _ in range(40)]
            for client in clients:
                client.sendall(b"GET /livez HTTP/1.1\r\nHost: test\r\n\r\n")
                assert response_on(client).status == 200
            assert sum(shares()) == len(clients)
            return min(shares()) >= len(clients) * 0.45

    # Where the machine is so busy that a worker does not come to accept, the other one does not
    # wait for long.
    wait_until(is_even)


def test_responses_that_were_read_take_no_memory(service: Service) -> None:
    request = b"GET /docs HTTP/1.1\r\nHost: test\r\n\r\n"

    def read_response(connection: socket.socket) -> int:
        connection.sendall(request)
        return len(response_on(connection).read())

    with clients_that_send(service, b"", 700) as connections:
        # What a worker loads with its first responses is not theirs.
        first = sum(map(read_response, connections[:60]))
        before = sum(map(resident_bytes, service.workers()))
        read = sum(map(read_response, connections[60:]))
        assert read > 10 * first > 30_000_000
        assert sum(map(resident_bytes, service.workers())) - before < read / 2


@pytest.mark.parametrize(
    "hidden",
    [
        b"POST /livez HTTP/1.1\r\nHost: test\r\nContent-Length: %019d\r\n\r\n%b",
        b"POST /livez HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"4268\r\n" + b"a" * 17_000 + b"XX%d\r\n\r\n%b",
    ],
    ids=["a length with leading zeros", "a large chunk without its end"],
)
def test_no_request_hides_in_the_body_of_another(hidden: bytes, service: Service) -> None:
    inner = b"GET /interests HTTP/1.1\r\nHost: test\r\n\r\n"
    with connect(service) as connection, connection.makefile("rb") as reader:
        length = 0 if b"chunked" in hidden else len(inner)
        connection.sendall(hidden % (length, inner))
        assert next_response(reader)[0] >= 400
        assert reader.readline() == b""


def test_livez_answers_while_all_threads_wait_for_the_database(
    service: Service, database: str
) -> None:
    def join(number: int) -> int:
        body = {"_id": f"u{number}", "city": "Fault Town", "interests": ["movies"]}
        with session() as http:
            return http.post(f"{service.url}/rooms", json=body, timeout=30).status_code

    with closing(psycopg2.connect(database)) as admin, ThreadPoolExecutor(64) as pool:
        admin.cursor().execute("LOCK TABLE memberships, rooms, cities")
        joins = [pool.submit(join, number) for number in range(64)]
        while not all(joined.done() for joined in joins):
            began = time.monotonic()
            assert requests.get(f"{service.url}/livez", timeout=30).ok
            assert time.monotonic() - began < MAX_WAIT_S
    assert {joined.result() for joined in joins} == {503}
    wait_until(lambda: join(0) == 201)
