"""What the README shows is what happens."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def shapes(document: Any) -> Any:
    """A document with its values' types for its values."""
    if isinstance(document, dict):
        return {key: shapes(value) for key, value in document.items()}
    return type(document).__name__


def test_the_commands_that_set_it_up_are_targets_of_the_makefile() -> None:
    commands = re.findall(r"^make (\S+)", README, re.MULTILINE)
    assert commands == ["run", "test"]
    makefile = (ROOT / "Makefile").read_text()
    for target in commands:
        assert f"\n{target}: " in makefile


def test_the_request_of_the_readme_gives_its_answer(client: FlaskClient) -> None:
    ((request, answer),) = re.findall(
        r"```sh\n(curl .*?)```\n.*?```json\n(.*?)```", README, re.DOTALL
    )
    words = shlex.split(request.replace("\\\n", " "))
    body = words[words.index("-d") + 1]
    given = client.post(re.sub(r"https?://[^/]+", "", words[1]), data=body).json
    shown = json.loads(answer)
    assert shapes(given) == shapes(shown)
    for name in ("_id", "cluster", "city", "hub", "created", "joined", "unknown_interests"):
        assert given[name] == shown[name], name


def test_every_link_of_the_documents_leads_somewhere() -> None:
    for document in [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "model/README.md"]:
        for target in re.findall(r"\]\(([^)#\s]+)", document.read_text()):
            if not target.startswith("http"):
                assert (document.parent / target).exists(), f"{document.name}: {target}"
