"""docs/client.mjs and the snippets of docs/api.md, run by Node."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest

from tests.support import serving
from tests.support.databases import sql_on
from tests.support.paths import ROOT
from tests.support.serving import KEY, Gunicorn, free_port

DOCS = ROOT / "docs"
SNIPPETS = re.findall(r"```js\n(.*?)```", (DOCS / "api.md").read_text(), re.DOTALL)
CLIENT = (DOCS / "client.mjs").as_uri()
NODE = shutil.which("node")
BEGIN = f"""
    import {{ NomadRooms, ProblemError }} from "{CLIENT}";
    import {{ createInterface }} from "node:readline";
    const tell = (what) => console.log(JSON.stringify(what));
    const heard = createInterface({{ input: process.stdin }})[Symbol.asyncIterator]();
    const onRetry = (reason) => tell({{ again: reason.name }});
    const connect = (options) =>
      new NomadRooms(process.env.ROOMS, process.env.KEY, {{ onRetry, ...options }});
"""
USER = {"_id": "6172f1a95cd4", "city": "Sevilla", "interests": ["surf", "coffee"]}

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")


class Node:
    """A script that runs: tells JSON lines, hears lines."""

    def __init__(self, script: str, url: str) -> None:
        assert NODE
        self.process = subprocess.Popen(
            [NODE, "--input-type=module", "--eval", script],
            env={"ROOMS": url, "KEY": KEY},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def told(self) -> Any:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line.startswith(("{", "[", '"', "null")), line + self.process.stdout.read()
        return json.loads(line)

    def say(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("go on\n")
        self.process.stdin.flush()


def run(script: str, url: str) -> list[Any]:
    """Run a script to its end; what it told."""
    node = Node(BEGIN + script, url)
    output, _ = node.process.communicate(timeout=60)
    assert node.process.returncode == 0, output
    return [json.loads(line) for line in output.splitlines()]


@contextmanager
def unreliable(*answers: tuple[int, dict[str, str]]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """A host that gives these answers one after another, and the last for ever; 0: none at all.

    Yields its address and the requests as they come: (X-Request-ID, body).
    """
    seen: list[tuple[str, str]] = []
    over = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length).decode()
            seen.append((self.headers["X-Request-ID"], body))
            status, headers = answers[min(len(seen), len(answers)) - 1]
            if not status:
                over.wait(30)
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            text = b'{"room_id": 1}' if status == 200 else b"<h1>from a router</h1>"
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None: ...

    host = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=host.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{host.server_port}", seen
    finally:
        over.set()
        host.shutdown()
        host.server_close()


def test_it_places_users_tells_what_is_wrong_and_forgets(
    serve: Callable[..., Gunicorn], new_database: str
) -> None:
    placed, problem, wrong_key = run(
        f"""
        const rooms = connect();
        tell(await rooms.placeUser({json.dumps(USER)}));
        await rooms.placeUser({{ ...{json.dumps(USER)}, country: "??" }}).catch((error) =>
          tell([error instanceof ProblemError, error.status, error.kind, error.errors[0].path]));
        await rooms.forgetUser("{USER["_id"]}");
        await rooms.forgetUser("{USER["_id"]}");
        await new NomadRooms(process.env.ROOMS, "wrong").placeUser({{}}).catch((error) =>
          tell([error.status, error.kind]));
        """,
        serve().url,
    )
    assert (placed["_id"], placed["joined"]) == (USER["_id"], True)
    assert problem == [True, 422, "invalid", "country"]
    assert wrong_key == [401, ""]
    assert sql_on(new_database)("SELECT count(*) FROM memberships") == [(0,)]


def test_it_reads_changes_page_by_page_and_each_once(
    serve: Callable[..., Gunicorn], new_database: str
) -> None:
    sql_on(new_database)(
        "INSERT INTO room_changes (user_id, from_room, to_room, reason)"
        " SELECT 'u' || n, 1, 2, 'merge' FROM generate_series(1, 5) AS n"
    )
    told = run(
        """
        const rooms = connect();
        let stored = 0;
        const read = async () => {
          for await (const cursor of rooms.readChanges(stored, (c) => tell(c.user_id), 2)) {
            stored = cursor;
            tell({ stored });
          }
        };
        await read();
        await read();
        """,
        serve().url,
    )
    ids = [row[0] for row in sql_on(new_database)("SELECT id FROM room_changes ORDER BY id")]
    cursors = [{"stored": ids[1]}, {"stored": ids[3]}, {"stored": ids[4]}]
    assert told == ["u1", "u2", cursors[0], "u3", "u4", cursors[1], "u5", cursors[2]]


def test_it_survives_a_server_that_comes_late_and_one_that_restarts(
    serve: Callable[..., Gunicorn], new_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    # A restart comes back at the same address.
    monkeypatch.setattr(serving, "free_port", lambda: port)
    node = Node(
        BEGIN
        + f"""
        const rooms = connect({{ tries: 100, longestWaitMs: 500 }});
        tell(await rooms.placeUser({json.dumps(USER)}));
        await heard.next();
        tell(await rooms.placeUser({{ ...{json.dumps(USER)}, city: "Vigo" }}));
        process.exit();
        """,
        f"http://127.0.0.1:{port}",
    )
    try:
        assert node.told() == {"again": "TypeError"}
        server = serve()
        first = answer_of(node)
        server.stop()
        node.say()
        assert node.told() == {"again": "TypeError"}
        serve()
        second = answer_of(node)
    finally:
        node.process.kill()
        node.process.communicate()
    assert second["previous_room_id"] == first["room_id"]
    rows = sql_on(new_database)("SELECT user_id, room_id FROM memberships")
    assert rows == [(USER["_id"], second["room_id"])]


def answer_of(node: Node) -> Any:
    told = node.told()
    while "again" in told:
        told = node.told()
    return told


def test_it_sends_the_same_body_again_and_waits_as_long_as_it_is_asked_to() -> None:
    with unreliable((503, {"Retry-After": "1"}), (502, {}), (504, {}), (200, {})) as (url, seen):
        *again, seconds, answer = run(
            f"""
            const rooms = connect({{ firstWaitMs: 1 }});
            const began = performance.now();
            const answer = await rooms.placeUser({json.dumps(USER)});
            tell((performance.now() - began) / 1000 >= 1 ? "waited" : "did not wait");
            tell(answer);
            """,
            url,
        )
    assert again == [{"again": "ProblemError"}] * 3
    assert (seconds, answer) == ("waited", {"room_id": 1})
    assert len(seen) == 4
    assert len(set(seen)) == 1
    assert json.loads(seen[0][1]) == USER


def test_it_gives_up_after_some_tries_with_the_last_problem() -> None:
    with unreliable((503, {})) as (url, seen):
        *_, told = run(
            """
            const rooms = connect({ firstWaitMs: 1, tries: 3 });
            await rooms.placeUser({}).catch((error) =>
              tell([error instanceof ProblemError, error.status]));
            """,
            url,
        )
    assert told == [True, 503]
    assert len(seen) == 3


def test_a_try_that_gets_no_answer_in_time_is_made_again() -> None:
    with unreliable((0, {}), (200, {})) as (url, seen):
        told = run(
            """
            const rooms = connect({ firstWaitMs: 1, timeoutMs: 300 });
            tell(await rooms.placeUser({}));
            """,
            url,
        )
    assert told == [{"again": "TimeoutError"}, {"room_id": 1}]
    assert len(seen) == 2


@pytest.mark.parametrize("status", [400, 404, 413, 500])
def test_what_no_second_try_mends_is_not_tried_again(status: int) -> None:
    with unreliable((status, {})) as (url, seen):
        told = run("await connect().placeUser({}).catch((error) => tell([error.status]));", url)
    assert told == [[status]]
    assert len(seen) == 1


def test_the_snippets_of_the_page_run(serve: Callable[..., Gunicorn], new_database: str) -> None:
    sql = sql_on(new_database)
    sql(
        "INSERT INTO room_changes (user_id, from_room, to_room, reason) VALUES ('u', 1, 2, 'merge')"
    )
    place, read = SNIPPETS
    around = """
    const loadCursor = async () => 0;
    const moveInChat = async (change) => console.log(`moves ${change.user_id}`);
    const storeCursor = async (cursor) => console.log(`stores ${cursor}`);
    """
    node = Node(place.replace("./client.mjs", CLIENT) + around + read, serve().url)
    output, _ = node.process.communicate(timeout=60)
    ((room,),) = sql("SELECT room_id FROM memberships")
    ((cursor,),) = sql("SELECT id FROM room_changes")
    assert output.splitlines() == [f"room {room}", "moves u", f"stores {cursor}"]
