"""What the READMEs and their neighbours show is what happens."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.config import ROOT
from tests.support.manage import run_manage

READMES = {name: (ROOT / name).read_text() for name in ("README.md", "README.es.md")}
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "model/README.md"])
LINK = re.compile(r"\]\(([^)\s]+)\)")


def shapes(document: Any) -> Any:
    """A document with its values' types for its values."""
    if isinstance(document, dict):
        return {key: shapes(value) for key, value in document.items()}
    return type(document).__name__


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def anchors(document: Path) -> set[str]:
    """The anchors that GitHub gives a document's headings."""
    titles = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("readme", READMES.values(), ids=READMES)
def test_the_commands_that_set_it_up_are_targets_of_the_makefile(readme: str) -> None:
    assert re.findall(r"^make (\S+)", readme, re.MULTILINE) == ["run", "test"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_target_that_a_document_names_is_one_of_the_makefile(document: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:^|`)make ([a-z-]+)", document.read_text(), re.MULTILINE):
        assert f"\n{target}: " in makefile, target


@pytest.mark.parametrize("readme", READMES.values(), ids=READMES)
def test_the_request_of_the_readme_gives_its_answer(client: FlaskClient, readme: str) -> None:
    (request,) = [block for block in blocks(readme, "sh") if block.startswith("curl")]
    (answer,) = blocks(readme, "json")
    words = shlex.split(request.replace("\\\n", " "))
    body = words[words.index("-d") + 1]
    given = client.post(re.sub(r"https?://[^/]+", "", words[1]), data=body).json
    shown = json.loads(answer)
    assert shapes(given) == shapes(shown)
    for name in ("_id", "cluster", "city", "hub", "created", "joined", "unknown_interests"):
        assert given[name] == shown[name], name


@pytest.mark.parametrize("readme", READMES.values(), ids=READMES)
def test_the_commands_in_the_readmes_text_run(readme: str, database_url: str) -> None:
    (command,) = re.findall(r"`\.venv/bin/python manage\.py (.*?)`", readme)
    done = run_manage(*shlex.split(command), DATABASE_URL=database_url)
    assert done.returncode == 0, done.stderr


def test_both_readmes_show_the_same_and_lead_to_the_same() -> None:
    english, spanish = READMES.values()
    for language in ("sh", "json"):
        assert blocks(english, language) == blocks(spanish, language)
    count = [len(re.findall(r"^## ", text, re.MULTILINE)) for text in (english, spanish)]
    assert count[0] == count[1]

    def targets(text: str) -> set[str]:
        found = {target.removesuffix("deed.es") for target in LINK.findall(text)}
        return {re.sub(r"\.(en|es)\.png$", ".png", target) for target in found}

    def in_spanish(target: str) -> str:
        edition = target.replace(".md", ".es.md")
        return edition if (ROOT / edition).exists() else target

    expected = {in_spanish(target) for target in targets(english) - {"README.es.md"}}
    assert expected == targets(spanish) - {"README.md"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_of_a_document_leads_somewhere(document: Path) -> None:
    for target in LINK.findall(document.read_text()):
        if target.startswith("http"):
            continue
        path, _, anchor = target.partition("#")
        leads_to = document.parent / path if path else document
        assert leads_to.exists(), target
        if anchor:
            assert anchor in anchors(leads_to), target


def test_every_document_is_reached_from_the_readmes() -> None:
    links = [link for readme in READMES.values() for link in LINK.findall(readme)]
    reached = {(ROOT / target).resolve() for target in links}
    assert {document for document in DOCUMENTS if document.name != "README.md"} <= reached
