"""Compares the version in pyproject.toml, the API and the changelog."""

import re
from typing import Any

from app.config import ROOT, VERSION


def test_the_api_and_the_changelog_have_the_version_of_the_project(app: Any) -> None:
    assert app.test_client().get("/openapi.json").json["info"]["version"] == VERSION
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest
    assert newest[1] == VERSION
