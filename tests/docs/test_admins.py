"""Runs the commands of docs/admins.md in order on one database and compares their output."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.config import ROOT
from app.domain.cities.normalize import fold
from tests.support.commands import FLASK_MIGRATE_GROUPS, command_paths
from tests.support.databases import sql_on
from tests.support.manage import manage_group, run_manage

PAGE = (ROOT / "docs" / "admins.md").read_text()
SPANISH = (ROOT / "docs" / "admins.es.md").read_text()
# Equal in both languages, in order: blocks of code, levels of headings, targets of links.
SHARED = re.compile(r"^```.*?^```$|^#+ |\]\([^)\s]+\)", re.MULTILINE | re.DOTALL)
BLOCKS = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
TIME = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d\.\d+\+00:00)?)?")


def sessions() -> Iterator[tuple[list[str], str]]:
    """Yield the words of each command of the page, and its output there."""
    for block in BLOCKS:
        for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            yield shlex.split(command), output


def normalized(text: str, command: list[str]) -> str:
    """Return an output without times, without spaces at the ends of lines, and in one order.

    An export has no order: Citus reads users from several nodes.
    """
    lines = [line.rstrip() for line in TIME.sub("TIME", text).splitlines()]
    return "\n".join(sorted(lines) if "export" in command else lines)


def store_spellings(url: str) -> None:
    """Store spellings of areas as an earlier release did: each a city with a room and a user."""
    sql = sql_on(url)
    for number, name in enumerate(["Spain", "España", "Spain, Europe", "Remote", "Nomad"]):
        sql(
            "INSERT INTO cities (name, name_key, listed) VALUES (%s, %s, false)", (name, fold(name))
        )
        ((city,),) = sql("SELECT max(id) FROM cities")
        sql("INSERT INTO rooms (city_id, cluster_id) VALUES (%s, 4)", (city,))
        sql(
            "INSERT INTO memberships (user_id, city_id, room_id, interests, model_id, created_at,"
            " joined_at, updated_at) SELECT %s, %s, max(rooms.id), '{surf}', max(models.id), now(),"
            " now(), now() FROM rooms, models",
            (f"user-{number}", city),
        )


def test_every_command_of_the_page_prints_the_output_shown_there(
    new_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for (program, *arguments), shown in sessions():
        if program == "cat":
            file = Path(arguments[0])
            if not file.exists():
                file.write_text(shown)  # the reader's own input file
            assert file.read_text() == shown
            continue
        assert (program, arguments[0]) == ("python", "manage.py")
        if arguments[1:] == ["cities", "unify", "--dry-run"]:
            store_spellings(new_database)
        done = run_manage(*arguments[1:], DATABASE_URL=new_database, LOGNAME="ana")
        # Without a terminal, the steps of a command precede its error.
        output = done.stderr.splitlines()[-1] if done.returncode else done.stdout
        assert normalized(output, arguments) == normalized(shown, arguments), arguments


# Documented in docs/deploy.md and docs/analysts.md.
OTHER_PAGES = {"model", "analysts", "demo"}


def test_the_page_names_every_group_of_commands() -> None:
    groups = {name.split()[0] for name in command_paths(manage_group)}
    documented = {arguments[2] for arguments, _ in sessions() if arguments[0] == "python"}
    assert groups - FLASK_MIGRATE_GROUPS - OTHER_PAGES == documented


def test_the_spanish_page_has_the_same_code_headings_and_links() -> None:
    title, to_spanish, *shared = SHARED.findall(PAGE)
    assert (title, to_spanish) == ("# ", "](admins.es.md)")
    assert SHARED.findall(SPANISH) == [title, "](admins.md)", *shared]
