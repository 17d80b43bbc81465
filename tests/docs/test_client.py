"""Runs docs/client.mjs and the snippets of docs/api.md in Node."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.support import serving
from tests.support.databases import sql_on
from tests.support.paths import ROOT
from tests.support.routers import behind_a_path, unreliable
from tests.support.serving import KEY, Gunicorn, free_port

DOCS = ROOT / "docs"
SNIPPETS = re.findall(r"```js\n(.*?)```", (DOCS / "api.md").read_text(), re.DOTALL)
CLIENT = (DOCS / "client.mjs").as_uri()
NODE = shutil.which("node")
PRELUDE = f"""
    import {{ NomadRooms, ProblemError }} from "{CLIENT}";
    import {{ createInterface }} from "node:readline";
    const print = (value) => console.log(JSON.stringify(value));
    const input = createInterface({{ input: process.stdin }})[Symbol.asyncIterator]();
    const onRetry = (error) => print({{ retry: error.name }});
    const connect = (options) =>
      new NomadRooms(process.env.ROOMS, process.env.KEY, {{ onRetry, ...options }});
"""
USER = {"_id": "6172f1a95cd4", "city": "Sevilla", "interests": ["surf", "coffee"]}

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")


class Node:
    """A running script that prints lines of JSON and reads lines."""

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

    def read(self) -> Any:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line.startswith(("{", "[", '"', "null")), line + self.process.stdout.read()
        return json.loads(line)

    def resume(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("go on\n")
        self.process.stdin.flush()


def run(script: str, url: str) -> list[Any]:
    """Run a script to its end; return what it printed."""
    node = Node(PRELUDE + script, url)
    output, _ = node.process.communicate(timeout=60)
    assert node.process.returncode == 0, output
    return [json.loads(line) for line in output.splitlines()]


def test_it_places_users_throws_problems_and_erases_users(
    serve: Callable[..., Gunicorn], new_database: str
) -> None:
    placed, problem, wrong_key = run(
        f"""
        const rooms = connect();
        print(await rooms.placeUser({json.dumps(USER)}));
        await rooms.placeUser({{ ...{json.dumps(USER)}, country: "??" }}).catch((error) =>
          print([error instanceof ProblemError, error.status, error.kind, error.errors[0].path]));
        await rooms.forgetUser("{USER["_id"]}");
        await rooms.forgetUser("{USER["_id"]}");
        await new NomadRooms(process.env.ROOMS, "wrong").placeUser({{}}).catch((error) =>
          print([error.status, error.kind]));
        """,
        serve().url,
    )
    assert (placed["_id"], placed["joined"]) == (USER["_id"], True)
    assert problem == [True, 422, "invalid", "country"]
    assert wrong_key == [401, ""]
    assert sql_on(new_database)("SELECT count(*) FROM memberships") == [(0,)]


def test_it_reads_every_change_once_page_by_page(
    serve: Callable[..., Gunicorn], new_database: str
) -> None:
    sql_on(new_database)(
        "INSERT INTO room_changes (user_id, from_room, to_room, reason)"
        " SELECT 'u' || n, 1, 2, 'merge' FROM generate_series(1, 5) AS n"
    )
    printed = run(
        """
        const rooms = connect();
        let stored = 0;
        const read = async () => {
          for await (const cursor of rooms.readChanges(stored, (c) => print(c.user_id), 2)) {
            stored = cursor;
            print({ stored });
          }
        };
        await read();
        await read();
        """,
        serve().url,
    )
    ids = [row[0] for row in sql_on(new_database)("SELECT id FROM room_changes ORDER BY id")]
    cursors = [{"stored": ids[1]}, {"stored": ids[3]}, {"stored": ids[4]}]
    assert printed == ["u1", "u2", cursors[0], "u3", "u4", cursors[1], "u5", cursors[2]]


@pytest.mark.parametrize("end", ["", "/"])
def test_it_reads_the_members_of_a_room_that_moved_behind_a_path(
    serve: Callable[..., Gunicorn], new_database: str, end: str
) -> None:
    sql = sql_on(new_database)
    with behind_a_path(serve().url, "/nomad-rooms") as url:
        script = f"""
            const rooms = connect();
            for (const n of [3, 1, 5, 2, 4])
              await rooms.placeUser({{ ...{json.dumps(USER)}, _id: `u${{n}}` }});
            await rooms.forgetUser("u4");
        """
        assert run(script, url + end) == []
        sql(
            "INSERT INTO room_redirects (id, city_id, cluster_id, room_id)"
            " SELECT 999999, city_id, cluster_id, id FROM rooms"
        )
        script = """
            for await (const member of connect().readMembers(999999, 2))
              print([member._id, member.city.name]);
        """
        assert run(script, url + end) == [[f"u{n}", "Sevilla"] for n in (1, 2, 3, 5)]


def test_it_survives_a_server_that_starts_late_and_a_restart(
    serve: Callable[..., Gunicorn], new_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    # The restarted server has the same address.
    monkeypatch.setattr(serving, "free_port", lambda: port)
    node = Node(
        PRELUDE
        + f"""
        const rooms = connect({{ maxAttempts: 100, maxDelayMs: 500 }});
        print(await rooms.placeUser({json.dumps(USER)}));
        await input.next();
        print(await rooms.placeUser({{ ...{json.dumps(USER)}, city: "Vigo" }}));
        process.exit();
        """,
        f"http://127.0.0.1:{port}",
    )
    try:
        assert node.read() == {"retry": "TypeError"}
        server = serve()
        first = read_response(node)
        server.stop()
        node.resume()
        assert node.read() == {"retry": "TypeError"}
        serve()
        second = read_response(node)
    finally:
        node.process.kill()
        node.process.communicate()
    assert second["previous_room_id"] == first["room_id"]
    rows = sql_on(new_database)("SELECT user_id, room_id FROM memberships")
    assert rows == [(USER["_id"], second["room_id"])]


def read_response(node: Node) -> Any:
    """Return the next value that is no retry."""
    printed = node.read()
    while "retry" in printed:
        printed = node.read()
    return printed


def test_it_retries_with_the_same_body_after_the_delay_of_retry_after() -> None:
    with unreliable((503, {"Retry-After": "1"}), (502, {}), (504, {}), (200, {})) as (
        url,
        requests,
    ):
        *retries, delay, response = run(
            f"""
            const rooms = connect({{ initialDelayMs: 1 }});
            const start = performance.now();
            const response = await rooms.placeUser({json.dumps(USER)});
            print(performance.now() - start >= 1000 ? "waited" : "did not wait");
            print(response);
            """,
            url,
        )
    assert retries == [{"retry": "ProblemError"}] * 3
    assert (delay, response) == ("waited", {"room_id": 1})
    assert len(requests) == 4
    assert len(set(requests)) == 1
    assert json.loads(requests[0][1]) == USER


def test_after_the_last_attempt_it_throws_the_last_problem() -> None:
    with unreliable((503, {})) as (url, requests):
        *_, printed = run(
            """
            const rooms = connect({ initialDelayMs: 1, maxAttempts: 3 });
            await rooms.placeUser({}).catch((error) =>
              print([error instanceof ProblemError, error.status]));
            """,
            url,
        )
    assert printed == [True, 503]
    assert len(requests) == 3


def test_it_retries_a_request_without_a_response_in_time() -> None:
    with unreliable((0, {}), (200, {})) as (url, requests):
        printed = run(
            """
            const rooms = connect({ initialDelayMs: 1, timeoutMs: 300 });
            print(await rooms.placeUser({}));
            """,
            url,
        )
    assert printed == [{"retry": "TimeoutError"}, {"room_id": 1}]
    assert len(requests) == 2


@pytest.mark.parametrize("status", [400, 404, 413, 500])
def test_it_does_not_retry_other_errors(status: int) -> None:
    with unreliable((status, {})) as (url, requests):
        printed = run("await connect().placeUser({}).catch((error) => print([error.status]));", url)
    assert printed == [[status]]
    assert len(requests) == 1


def test_the_snippets_of_the_page_run(serve: Callable[..., Gunicorn], new_database: str) -> None:
    sql = sql_on(new_database)
    sql(
        "INSERT INTO room_changes (user_id, from_room, to_room, reason) VALUES ('u', 1, 2, 'merge')"
    )
    sql("SELECT setval(pg_get_serial_sequence('rooms', 'id'), 16)")
    place_user, read_changes, read_members = SNIPPETS
    functions = """
    const loadCursor = async () => 0;
    const moveInChat = async (change) => console.log(`moves ${change.user_id}`);
    const storeCursor = async (cursor) => console.log(`stores ${cursor}`);
    """
    script = place_user.replace("./client.mjs", CLIENT) + functions + read_changes + read_members
    node = Node(script, serve().url)
    output, _ = node.process.communicate(timeout=60)
    ((room,),) = sql("SELECT room_id FROM memberships")
    ((cursor,),) = sql("SELECT id FROM room_changes")
    assert output.splitlines() == [
        f"room {room}",
        "moves u",
        f"stores {cursor}",
        "6172f1a95cd4 from Sevilla",
    ]
