"""Every command: its table, its output for machines, and its one line when it fails.

No output holds a secret of the environment, in whole or in part.
"""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from manage import manage as manage_group
from tests.support.commands import command_paths
from tests.support.databases import Server, sql_on
from tests.support.manage import add_room, run_manage
from tests.support.secrets import find_secrets, secret_environment

JSON, JSON_LINES, NONE = "--json", "--jsonl", ""


@dataclass(frozen=True)
class Case:
    """The arguments of a command, a part of its output, and arguments that are wrong.

    `machine`: the option for machines, or NONE with the reason in `why`. `mistake` replaces
    `call`, and `message` is a part of the error. `needs_database`: fails without one.
    """

    call: str
    shows: str
    mistake: str
    message: str
    machine: str = JSON
    why: str = ""
    needs_database: bool = True


CASES = {
    "analysts grant": Case(
        "case_analyst --dry-run", "case_analyst", "postgres --yes", "postgres", JSON
    ),
    "analysts publish": Case("--dry-run", "is due", "--all", "--all"),
    "analysts queries": Case(
        "", "growth-by-week", "no-question", "analysts queries", needs_database=False
    ),
    "analysts revoke": Case(
        "{role} --dry-run", "dropped", "unknown_role --yes", "no role", NONE, why="it only revokes"
    ),
    "cities clean": Case("--dry-run", "would remove", "--all", "--all"),
    "cities find": Case("Sevilla", "2510911", "!!!", "must have a letter or a digit"),
    "cities gather": Case("--dry-run", "towns", "--dry-run --radius 0", "radius"),
    "cities load": Case("--yes", "69,", "--fast", "--fast"),
    "cities merge": Case("{city} 2510911 --dry-run", "Vila", "7 2510911 --yes", "cities find"),
    "cities remove": Case("{typed} --dry-run", "Vila Typed", "{city} --yes", "members"),
    "cities rename": Case(
        "{typed} Vilatecla --dry-run", "Vilatecla", "{typed} Sevilla --yes", "cities merge"
    ),
    "cities release": Case("--dry-run", "towns", "7 --yes", "cities find"),
    "cities unmerge": Case("{merged} --dry-run", "Vila Tiped", "7 --yes", "cities find"),
    "cities unify": Case("--dry-run", "places", "--radius 3", "--radius", JSON),
    "cities unlisted": Case("", "Vila", "--limit 0", "limit"),
    "clusters list": Case("", "label", "--limit 3", "--limit"),
    "clusters plot": Case(
        "{place}/heat.svg",
        "is drawn",
        "{place}/heat.gif",
        ".png or .svg",
        NONE,
        why="it draws",
        needs_database=False,
    ),
    "clusters show": Case("1", "interests", "99", "clusters list"),
    "model drift": Case("", "training", "--months 3", "--months"),
    "model evaluate": Case(
        "--data {place}/survey.csv --clusters 2",
        "spherical_kmeans",
        "--data {place}/none.csv",
        "No such file",
        needs_database=False,
    ),
    "model reassign": Case("--dry-run", "members", "--dry-run --min-gain -1", "min-gain"),
    "model register": Case("", "registered", "again", "again"),
    "model show": Case("", "sha256", "--wrong", "--wrong", needs_database=False),
    "model train": Case(
        "--data {place}/survey.csv --clusters 2 --output {place}/model --previous none --dry-run",
        "would be written",
        "--data {place}/survey.csv --clusters 1",
        "clusters",
        needs_database=False,
    ),
    "rooms export": Case("", "room_id,", "--city Nowhere", "cities find", JSON_LINES),
    "rooms list": Case("", "Vila", "--cluster 99", "clusters list"),
    "rooms members": Case("{room}", "Vila", "987654321", "rooms list"),
    "rooms show": Case("{room}", "Vila", "987654321", "rooms list"),
    "runs list": Case("", "cities load", "--limit x", "x"),
    "runs show": Case("{run}", "cities load", "987654321", "runs list"),
    "stats": Case("", "alone", "--wrong", "--wrong"),
    "users export": Case("", "_id,", "--wrong", "--wrong", JSON_LINES),
    "users forget": Case("u1 --dry-run", "would erase", "nobody --yes", "no user with this id"),
    "users import": Case(
        "{place}/users.csv --dry-run", "2 read = 1", "{place}/none.csv --yes", "No such file"
    ),
    "users show": Case("u1", "interests", "n\x00body", "no user with this id"),
}


# A demo refuses to run in production, which is the default here; tests/analytics covers it.
ALL = sorted(set(command_paths(manage_group)) - {"demo"})


def write_files(place: Path) -> None:
    """Write a file to import, of one valid row and one invalid row, and a survey."""
    (place / "users.csv").write_text("_id,city,surf\nu2,Vigo,1\nu3,Vigo,0\n")
    people = ["1,1,0,0", "0,0,1,1", "1,0,0,0", "0,0,1,0", "1,1,0,1"] * 8
    (place / "survey.csv").write_text("\n".join(["surf,beach,museums,theaters", *people]) + "\n")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with these files."""
    place = tmp_path_factory.mktemp("commands")
    write_files(place)
    return place


def fill(url: str) -> dict[str, Any]:
    """Create a room, two typed places and a run; return their ids, the values of cases' {name}s."""
    room, city = add_room(url, 1)
    ((run,),) = sql_on(url)(
        "INSERT INTO admin_runs (command, arguments, by) VALUES ('cities load', '{}', 'me')"
        " RETURNING id"
    )
    (typed,), (merged,) = sql_on(url)(
        "INSERT INTO cities (name, name_key, country_code, merged_into) VALUES"
        " ('Vila Typed', 'vila typed', 'ES', NULL), ('Vila Tiped', 'vila tiped', 'ES', %s)"
        " RETURNING id",
        (city,),
    )
    return {"room": room, "city": city, "typed": typed, "merged": merged, "run": run}


@pytest.fixture(scope="module")
def words(url: str, place: Path, owner: str) -> Iterator[dict[str, Any]]:
    """The values of the cases' {name}s."""
    role = f"case_{uuid.uuid4().hex[:8]}"  # all databases of a server share its roles
    assert run_manage("analysts", "grant", role, "--yes", DATABASE_URL=url).returncode == 0
    yield fill(url) | {"place": place, "role": role, "owner": owner}
    assert run_manage("analysts", "revoke", role, "--yes", DATABASE_URL=url).returncode == 0


def call(name: str, text: str, words: dict[str, Any], *more: str, url: str) -> Any:
    arguments = [part.format(**words) for part in [*name.split(), *text.split(), *more]]
    done = run_manage(*arguments, **secret_environment(url, words["owner"]))
    assert find_secrets(done.stdout + done.stderr) == []
    return done


def test_every_command_has_a_case_here_and_every_case_a_command() -> None:
    assert sorted(CASES) == ALL


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_table_has_no_colours_without_a_terminal(
    name: str, url: str, words: dict[str, Any]
) -> None:
    done = call(name, CASES[name].call, words, url=url)
    assert done.returncode == 0, done.stderr
    output = done.stderr if name == "clusters plot" else done.stdout
    assert CASES[name].shows in output
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_machine_option_prints_json_and_nothing_else(
    name: str, url: str, words: dict[str, Any]
) -> None:
    case = CASES[name]
    if case.machine == NONE:
        assert case.why
        return
    done = call(name, case.call, words, case.machine, url=url)
    assert done.returncode == 0, done.stderr
    for document in done.stdout.splitlines() if case.machine == JSON_LINES else [done.stdout]:
        assert json.loads(document)


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_mistake_is_one_line_that_says_what_to_do_and_exit_1(
    name: str, url: str, words: dict[str, Any], server: Server
) -> None:
    case = CASES[name]
    failures = [call(name, case.mistake, words, url=url)]
    if case.needs_database:
        failures.append(call(name, case.call, words, url=server.url_of("never_created")))
        assert "the database cannot be reached" in failures[-1].stderr
    assert case.message in failures[0].stderr
    for done in failures:
        assert (done.returncode, done.stdout) == (1, "")
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert done.stderr.startswith("Error: ")
