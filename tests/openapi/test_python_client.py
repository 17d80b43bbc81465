"""A client in Python that openapi-python-client makes, used as its documents say."""

import compileall
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.openapi.merged_room import merge_room
from tests.openapi.test_document import OPERATIONS
from tests.support.serving import KEY, Gunicorn

USER = "6172f1a95cd4"
PACKAGE = "nomad_rooms_client"


@dataclass
class PythonClient:
    """The generated package, with a client of the service."""

    client: Any

    def model(self, name: str) -> Any:
        return getattr(importlib.import_module(f"{PACKAGE}.models"), name)

    def call(self, operation: str, *path: Any, **arguments: Any) -> Any:
        module = importlib.import_module(f"{PACKAGE}.api.{operation}")
        return module.sync(*path, client=self.client, **arguments)

    def place(self, city: str = "Sevilla") -> Any:
        request = self.model("RoomRequest")
        body = request(field_id=USER, city=city, interests=["surf", "coffee"])
        return self.call("rooms.place_user", body=body)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory, app: Any) -> Iterator[Path]:
    """The folder that holds the generated package."""
    folder = tmp_path_factory.mktemp("client")
    document = folder / "openapi.json"
    document.write_text(json.dumps(app.test_client().get("/openapi.json").json))
    programs = Path(sys.executable).parent
    done = subprocess.run(
        [programs / "openapi-python-client", "generate", "--path", document],
        env={"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(folder)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    # It leaves out what it cannot express, with a warning.
    generating, *warnings = done.stdout.splitlines()
    assert generating.startswith("Generating ")
    assert not warnings, done.stdout
    assert compileall.compile_dir(folder, quiet=1)
    yield folder / "nomad-rooms-client"
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


@pytest.fixture
def generated(
    package: Path, serve: Callable[..., Gunicorn], monkeypatch: pytest.MonkeyPatch
) -> PythonClient:
    """The generated client, of a running service."""
    monkeypatch.syspath_prepend(str(package))
    module = importlib.import_module(PACKAGE)
    return PythonClient(
        module.AuthenticatedClient(base_url=serve().url, token=KEY, follow_redirects=True)
    )


def test_every_operation_is_a_function_and_no_model_has_a_fields_name(package: Path) -> None:
    modules = package.glob(f"{PACKAGE}/api/*/*.py")
    functions = {path.stem.replace("_", "") for path in modules if path.stem != "__init__"}
    assert functions >= {name.lower() for name in OPERATIONS.values()}
    models = {path.stem for path in package.glob(f"{PACKAGE}/models/*.py")}
    assert "room_request" in models
    assert not models & {"id", "interests"}


def test_it_does_the_main_job_explains_it_and_reads_both_lists(
    generated: PythonClient, new_database: str
) -> None:
    first = generated.place()
    assert (first.created, first.joined, first.city.name) == (True, True, "Sevilla")
    user = generated.call("users.get_user", USER, explain=True)
    assert user.room_id == first.room_id
    assert set(user.explanation.shares.additional_properties) == {"surf", "coffee"}
    merged = merge_room(new_database, USER)
    moved_to = generated.call("rooms.get_room", merged)
    assert moved_to.room_id == first.room_id
    changes = generated.call("users.list_changes")
    assert [change.reason.value for change in changes.items] == ["merge"]
    assert generated.call("users.list_changes", after=changes.next_after).items == []
    generated.place("Vigo")
    page = generated.call("rooms.list_rooms", limit=1)
    rest = generated.call("rooms.list_rooms", after=page.next_after)
    assert [room.city.name for room in page.items + rest.items] == ["Sevilla", "Vigo"]
    assert rest.next_after is None


def test_interests_can_be_booleans(generated: PythonClient) -> None:
    request, flags = generated.model("ClusterRequest"), generated.model("InterestFlags")
    both = (["theaters"], flags.from_dict({"theaters": True, "surf": False}))
    predictions = [
        generated.call("clusters.predict_cluster", body=request(field_id="a", interests=interests))
        for interests in both
    ]
    assert predictions[0] == predictions[1]


def test_an_error_is_a_problem(generated: PythonClient) -> None:
    problem = generated.place(city="---")
    assert problem.type_.value == "urn:nomad-rooms:invalid"
    assert problem.errors[0].path == "city"
