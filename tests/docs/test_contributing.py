"""Checks that CONTRIBUTING.md and the glossary name what exists, and that the map is complete."""

import re

import pytest

from app.config import ROOT

MAP = (ROOT / "CONTRIBUTING.md").read_text()
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()
PACKAGES = [ROOT / name for name in ("app", "local_postgres", "model", "migrations", "benchmarks")]
PATH = re.compile(r"`((?:\w+/)[\w./-]*|\w+\.py)`")
SOURCES = "".join(path.read_text() for path in (ROOT / "app").rglob("*.py"))
SOURCES += "".join(path.read_text() for path in (ROOT / "model").rglob("*.py"))
VERSIONS = ROOT / "migrations" / "versions"
SCHEMA = "".join(path.read_text() for path in VERSIONS.glob("*.py"))


def folders() -> list[str]:
    """Return the folders of code, down to the nouns of the domain, and those outside packages."""
    nested = [path for package in PACKAGES for path in package.rglob("*") if path.is_dir()]
    names = [path.relative_to(ROOT) for path in [*PACKAGES, *nested]]
    hidden = {"__pycache__", "templates", "static", "versions"}
    code = [str(path) for path in names if not hidden & set(path.parts)]
    return [*code, "tests", "tests/support", "docs", ".ci"]


@pytest.mark.parametrize("folder", folders())
def test_the_map_names_every_folder(folder: str) -> None:
    name = folder.rpartition("/")[2]
    assert f"`{folder}/`" in MAP or f"`{name}/`" in MAP


@pytest.mark.parametrize("document", [MAP, GLOSSARY], ids=["contributing", "glossary"])
def test_every_path_in_the_text_exists(document: str) -> None:
    # A table's row or a paragraph names a folder once, and then the files in it by name.
    known = {path.name for package in PACKAGES for path in package.rglob("*")}
    for path in PATH.findall(document):
        exists = (ROOT / path).exists() or path.rstrip("/") in known
        assert exists or "NNNN" in path, path


def test_every_table_column_and_class_of_the_glossary_exists() -> None:
    for line in re.findall(r"^\|.*\|$", GLOSSARY, re.MULTILINE):
        where = line.split("|")[3]
        for name in re.findall(r"`(\w+(?:\.\w+)?)`", where):
            owner, _, attribute = name.partition(".")
            source = SCHEMA if owner.islower() else SOURCES
            for word in filter(None, (owner, attribute)):
                assert re.search(rf"\b{word}\b", source), name


def test_it_is_short_enough_to_read() -> None:
    assert len(MAP.splitlines()) < 130
