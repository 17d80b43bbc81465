"""What docs/admins.md shows is what comes out, in its order, on one database."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.config import ROOT
from tests.cli.test_every_command import NOT_OURS, commands
from tests.support.manage import manage_group, run_manage

PAGE = (ROOT / "docs" / "admins.md").read_text()
SPANISH = (ROOT / "docs" / "admins.es.md").read_text()
# What the editions share, in its order: blocks of code, headings' levels, links' targets.
SHARED = re.compile(r"^```.*?^```$|^#+ |\]\([^)\s]+\)", re.MULTILINE | re.DOTALL)
BLOCKS = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
TIME = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d\.\d+\+00:00)?)?")


def sessions() -> Iterator[tuple[list[str], str]]:
    """Each command of the page, and what it shows."""
    for block in BLOCKS:
        for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            yield shlex.split(command), output


def plain(text: str) -> str:
    """A text without what differs each time: moments, and spaces at the ends of lines."""
    return "\n".join(line.rstrip() for line in TIME.sub("TIME", text).splitlines())


def test_every_command_of_the_page_shows_what_it_shows_there(
    new_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for (program, *arguments), shown in sessions():
        if program == "cat":
            file = Path(arguments[0])
            if not file.exists():
                file.write_text(shown)  # what the reader of the page brings
            assert file.read_text() == shown
            continue
        assert (program, arguments[0]) == ("python", "manage.py")
        done = run_manage(*arguments[1:], DATABASE_URL=new_database, LOGNAME="ana")
        assert plain(done.stderr if done.returncode else done.stdout) == plain(shown), arguments


# On pages of their own: docs/deploy.md, docs/analysts.md.
ELSEWHERE = {"model", "analysts", "demo"}


def test_the_page_names_every_group_of_commands() -> None:
    groups = {name.split()[0] for name in commands(manage_group)} - NOT_OURS - ELSEWHERE
    told = {arguments[2] for arguments, _ in sessions() if arguments[0] == "python"}
    assert groups == told


def test_the_spanish_page_shows_the_same_under_as_many_headings_and_links_to_the_same() -> None:
    title, to_spanish, *shared = SHARED.findall(PAGE)
    assert (title, to_spanish) == ("# ", "](admins.es.md)")
    assert SHARED.findall(SPANISH) == [title, "](admins.md)", *shared]
