"""Runs the commands and requests of the READMEs, and checks the links of all documents."""

import json
import re
import shlex
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.config import ROOT
from tests.support.documents import shapes
from tests.support.manage import run_manage

READMES = {name: (ROOT / name).read_text() for name in ("README.md", "README.es.md")}
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "model/README.md"])
LINK = re.compile(r"\]\(([^)\s]+)\)")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def anchors(document: Path) -> set[str]:
    """Return the anchors that GitHub gives to a document's headings."""
    titles = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("readme", READMES.values(), ids=READMES)
def test_the_readmes_show_the_commands_to_run_and_test(readme: str) -> None:
    assert re.findall(r"^make (\S+)", readme, re.MULTILINE) == ["run", "test"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_target_in_a_document_exists(document: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:^|`)make ([a-z-]+)", document.read_text(), re.MULTILINE):
        assert f"\n{target}: " in makefile, target


@pytest.mark.parametrize("readme", READMES.values(), ids=READMES)
def test_the_request_of_the_readme_gets_its_response(client: FlaskClient, readme: str) -> None:
    (request,) = [block for block in blocks(readme, "sh") if block.startswith("curl")]
    (response,) = blocks(readme, "json")
    words = shlex.split(request.replace("\\\n", " "))
    body = words[words.index("-d") + 1]
    actual = client.post(re.sub(r"https?://[^/]+", "", words[1]), data=body).json
    shown = json.loads(response)
    assert shapes(actual) == shapes(shown)
    for name in ("_id", "cluster", "city", "hub", "created", "joined", "unknown_interests"):
        assert actual[name] == shown[name], name


@pytest.mark.parametrize("readme", READMES.values(), ids=READMES)
def test_the_commands_in_the_readmes_text_run(readme: str, database_url: str) -> None:
    (command,) = re.findall(r"`\.venv/bin/python manage\.py (.*?)`", readme)
    done = run_manage(*shlex.split(command), DATABASE_URL=database_url)
    assert done.returncode == 0, done.stderr


def test_both_readmes_have_the_same_examples_headings_and_links() -> None:
    english, spanish = READMES.values()
    for language in ("sh", "json"):
        assert blocks(english, language) == blocks(spanish, language)
    count = [len(re.findall(r"^## ", text, re.MULTILINE)) for text in (english, spanish)]
    assert count[0] == count[1]

    def targets(text: str) -> set[str]:
        links = {target.removesuffix("deed.es") for target in LINK.findall(text)}
        return {re.sub(r"\.(en|es)\.png$", ".png", target) for target in links}

    def in_spanish(target: str) -> str:
        edition = target.replace(".md", ".es.md")
        return edition if (ROOT / edition).exists() else target

    expected = {in_spanish(target) for target in targets(english) - {"README.es.md"}}
    assert expected == targets(spanish) - {"README.md"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_of_a_document_has_a_target(document: Path) -> None:
    for target in LINK.findall(document.read_text()):
        if target.startswith("http"):
            continue
        path, _, anchor = target.partition("#")
        linked = document.parent / path if path else document
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors(linked), target


def test_the_readmes_link_to_every_document() -> None:
    links = [link for readme in READMES.values() for link in LINK.findall(readme)]
    linked = {(ROOT / target).resolve() for target in links}
    assert {document for document in DOCUMENTS if document.name != "README.md"} <= linked
