"""Copies of the project in other places."""

import shutil
from pathlib import Path

from tests.support.paths import ROOT

FOLDERS = ("app", "model", "local_postgres", "migrations")
FILES = ("gunicorn.conf.py", "pyproject.toml", "requirements-run.txt")


def copy_project(directory: Path) -> Path:
    """Copy what the service needs into a directory; return the directory."""
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, directory / folder)
    for file in FILES:
        shutil.copy(ROOT / file, directory)
    return directory
