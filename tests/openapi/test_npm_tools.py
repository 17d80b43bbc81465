"""What npm's tools make of the OpenAPI document: linters, a client in TypeScript, a proxy."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.docs.test_api import BLOCKS
from tests.openapi.merged_room import merge_room
from tests.support.documents import Curl
from tests.support.npm import install_tools
from tests.support.paths import ROOT
from tests.support.serving import KEY, Gunicorn, free_port, wait_until

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
STRICT = ("--strict", "--module", "nodenext", "--target", "es2022", "--lib", "es2022,dom")

pytestmark = pytest.mark.skipif(not shutil.which("npm"), reason="npm is not installed")


def run(directory: Path, *command: str, **environment: str) -> str:
    """Run a command in a directory, with the installed tools; return what it printed."""
    path = f"{MODULES / '.bin'}:{os.environ['PATH']}"
    settings = {"PATH": path, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    done = subprocess.run(
        command,
        cwd=directory,
        env=os.environ | settings | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def tools() -> None:
    install_tools(HERE)


@pytest.fixture
def folder(tmp_path: Path, app: Any) -> Path:
    """A folder with the document, in which Node finds the tools."""
    document = app.test_client().get("/openapi.json").json
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "node_modules").symlink_to(MODULES)
    return tmp_path


def test_redocly_finds_no_problem(folder: Path) -> None:
    report = json.loads(run(folder, "redocly", "lint", "openapi.json", "--format=json"))
    assert report["totals"] == {"errors": 0, "warnings": 0, "ignored": 0}, report["problems"]


def test_spectral_finds_no_problem(folder: Path) -> None:
    (folder / "rules.json").write_text('{"extends": ["spectral:oas"]}')
    run(folder, "spectral", "lint", "openapi.json", "-r", "rules.json", "-F", "hint")


def test_a_client_in_typescript_does_the_main_job_explains_it_and_reads_both_lists(
    folder: Path, serve: Callable[..., Gunicorn], new_database: str
) -> None:
    run(folder, "openapi-typescript", "openapi.json", "-o", "schema.d.ts")
    shutil.copy(HERE / "client.ts", folder)
    run(folder, "tsc", *STRICT, "client.ts")
    service = {"ROOMS": serve().url, "KEY": KEY}
    placed = json.loads(run(folder, "node", "client.js", "place", **service))
    room = placed.pop("room")
    problem = ["urn:nomad-rooms:invalid", "city"]
    assert placed == {"city": "Sevilla", "problem": problem, "cluster": 4}
    merged = merge_room(new_database, "6172f1a95cd4")
    assert json.loads(run(folder, "node", "client.js", "read", str(merged), **service)) == {
        "room": room,
        "shares": ["coffee", "surf"],
        "reasons": ["merge"],
        "left": 0,
        "next": room,
    }


def test_the_client_of_the_documents_is_a_package_with_types(
    tmp_path: Path, serve: Callable[..., Gunicorn]
) -> None:
    (tmp_path / "package.json").write_text('{"type": "module"}')
    run(tmp_path, "npm", "install", "--offline", "--no-audit", "--no-fund", str(ROOT / "docs"))
    shutil.copy(HERE / "typed_client.ts", tmp_path)
    run(tmp_path, "tsc", *STRICT, "typed_client.ts")
    printed = json.loads(run(tmp_path, "node", "typed_client.js", ROOMS=serve().url, KEY=KEY))
    assert printed == {
        "city": "Sevilla",
        "member": "6172f1a95cd4",
        "moves": 0,
        "stored": 0,
        "kind": "invalid",
    }


def test_the_package_holds_the_client_and_its_types_alone(tmp_path: Path) -> None:
    (packed,) = json.loads(run(ROOT / "docs", "npm", "pack", "--dry-run", "--json"))
    names = {file["path"] for file in packed["files"]}
    assert names == {"client.mjs", "client.d.ts", "package.json"}


def test_every_method_of_the_client_has_a_type() -> None:
    source = (ROOT / "docs" / "client.mjs").read_text()
    types = (ROOT / "docs" / "client.d.ts").read_text()
    methods = re.findall(r"^  (?:async )?\*?(\w+)\(.*\) \{$", source, re.MULTILINE)
    assert methods
    for method in methods:
        assert re.search(rf"^  {method}\(", types, re.MULTILINE), method


@pytest.fixture
def proxy(folder: Path, serve: Callable[..., Gunicorn]) -> Iterator[str]:
    """The address of a proxy that refuses requests and responses that are not as documented."""
    port = free_port()
    log = folder / "prism.log"
    with log.open("wb") as output:
        prism = subprocess.Popen(
            [
                *(MODULES / ".bin" / "prism", "proxy", "openapi.json", serve().url),
                *("--errors", "--port", str(port)),
            ],
            cwd=folder,
            stdout=output,
            stderr=output,
        )
    try:
        wait_until(lambda: "Prism is listening" in log.read_text(), log.read_text)
        yield f"http://127.0.0.1:{port}"
    finally:
        prism.terminate()
        prism.wait()


def documented_requests(document: Any) -> Iterator[Curl]:
    """Yield the requests of docs/api.md that succeed, and the examples of the document."""
    paths = {re.sub(r"\{\w+\}", "[^/?]+", path) for path in document["paths"]}
    route = re.compile(rf"\$ROOMS({'|'.join(paths)})(\?.*)?")
    for (_, command), (_, response) in zip(BLOCKS, BLOCKS[1:], strict=False):
        if command.startswith("curl") and re.match(r"HTTP/1.1 [23]", response):
            curl = Curl.parse(command)
            if route.fullmatch(curl.address):
                yield curl
    for path, operations in document["paths"].items():
        if "post" in operations:
            content = operations["post"]["requestBody"]["content"]["application/json"]
            examples = content.get("examples") or {"": {"value": content["example"]}}
            for example in examples.values():
                yield Curl("POST", f"$ROOMS{path}", {}, json.dumps(example["value"]))


def send(proxy: str, curl: Curl) -> requests.Response:
    return requests.request(
        curl.method,
        curl.address.replace("$ROOMS", proxy),
        headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
        data=curl.body,
        allow_redirects=False,
        timeout=30,
    )


def test_a_validating_proxy_lets_every_documented_request_and_its_response_pass(
    proxy: str, folder: Path
) -> None:
    refused = send(proxy, Curl("GET", "$ROOMS/rooms?limit=many", {}, None))
    assert "stoplight.io" in refused.json()["type"]
    requests_ = list(documented_requests(json.loads((folder / "openapi.json").read_text())))
    assert len(requests_) > 10
    for curl in requests_:
        response = send(proxy, curl)
        # Rooms of the page do not exist here.
        assert response.status_code in (200, 201, 204, 404), (curl, response.text)
        assert "stoplight.io" not in response.text, curl
