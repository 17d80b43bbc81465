"""Compares the versions of the project, and of Python, that several files name."""

import json
import re
import tomllib
from typing import Any

from app.config import ROOT, VERSION


def test_the_api_and_the_changelog_have_the_version_of_the_project(app: Any) -> None:
    assert app.test_client().get("/openapi.json").json["info"]["version"] == VERSION
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest
    assert newest[1] == VERSION


def test_the_package_of_the_client_has_the_version_of_the_project() -> None:
    package = json.loads((ROOT / "docs" / "package.json").read_text())
    assert package["version"] == VERSION


def test_the_platform_takes_the_newest_patch_of_its_python() -> None:
    assert re.fullmatch(r"python-3\.1[1-4]\n", (ROOT / "runtime.txt").read_text())


def test_the_readmes_and_the_installation_name_the_same_versions_of_python() -> None:
    oldest, newest = re.findall(r"\(3, (\d+)\)", (ROOT / "install.sh").read_text())
    for readme in ("README.md", "README.es.md"):
        versions = re.findall(r"3\.(\d+)(?:\.\d+)? (?:to|a) 3\.(\d+)", (ROOT / readme).read_text())
        assert versions == [(oldest, newest)]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">=3.{oldest}"
