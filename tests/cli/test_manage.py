"""manage.py as an admin runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.config import use_development_environment
from model.predict import Model
from tests.support.databases import Server, sql_on
from tests.support.manage import Manage, add_room, run_manage, run_process
from tests.support.paths import ROOT


def test_rooms_list_shows_a_table_and_the_same_as_json(manage: Manage, new_database: str) -> None:
    room, city = add_room(new_database, 3)
    table = manage("rooms", "list").stdout.splitlines()
    assert table[0].split() == ["room", "city", "country", "cluster", "label", "members", "created"]
    assert table[1].split()[:4] == [str(room), "Vila", "ES", "1"]
    listed = json.loads(manage("rooms", "list", "--json").stdout)
    assert [(row["room_id"], row["city"]["id"], row["members"]) for row in listed] == [
        (room, city, 3)
    ]


def test_rooms_list_without_rooms_names_the_request_that_creates_one(manage: Manage) -> None:
    done = manage("rooms", "list")
    assert (done.returncode, done.stdout) == (0, "")
    assert "POST /rooms" in done.stderr
    assert json.loads(manage("rooms", "list", "--json").stdout) == []


def test_rooms_show_shows_one_room(manage: Manage, new_database: str) -> None:
    room, _ = add_room(new_database, 2)
    shown = manage("rooms", "show", str(room)).stdout
    assert "Vila" in shown
    assert json.loads(manage("rooms", "show", str(room), "--json").stdout)["members"] == 2


def test_rooms_show_of_a_closed_room_names_the_room_of_its_members(
    manage: Manage, new_database: str
) -> None:
    room, city = add_room(new_database, 1)
    sql_on(new_database)(
        "INSERT INTO room_redirects (id, city_id, cluster_id, room_id) VALUES (77, %s, 1, %s)",
        (city, room),
    )
    done = manage("rooms", "show", "77")
    assert done.returncode == 1
    assert f"room {room}" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rooms", "show", "12345"), "rooms list"),
        (("rooms", "show", "x"), "'x'"),
        (("rooms", "paint"), "paint"),
        (("rooms", "list", "--limit", "0"), "limit"),
        (("paint",), "paint"),
    ],
)
def test_a_mistake_is_one_clear_line_and_exit_1(
    manage: Manage, arguments: tuple[str, ...], message: str
) -> None:
    done = manage(*arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("Error: ")
    assert message in done.stderr


def test_a_database_that_is_down_is_one_clear_line(server: Server) -> None:
    url = server.url_of("never_created")
    for arguments in (("rooms", "list"), ("rooms", "show", "1"), ("model", "register")):
        done = run_manage(*arguments, DATABASE_URL=url)
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1, done.stderr


def test_production_without_its_variables_is_one_line_that_names_them() -> None:
    done = run_manage("rooms", "list", APP_ENV="production", API_KEYS="")
    assert done.returncode == 1
    assert "DATABASE_URL" in done.stderr
    assert "API_KEYS" in done.stderr


def test_a_separate_process_prints_the_same(manage: Manage, new_database: str) -> None:
    for arguments in (("rooms", "list", "--json"), ("rooms", "show", "7"), ("rooms",), ("x",)):
        inside = manage(*arguments)
        separate = run_process(*arguments, DATABASE_URL=new_database)
        assert (inside.returncode, inside.stdout, inside.stderr) == (
            separate.returncode,
            separate.stdout,
            separate.stderr,
        )


def test_model_show_shows_the_shipped_model(model: Model) -> None:
    shown = json.loads(run_manage("model", "show", "--json").stdout)
    assert shown["id"] == model.id
    assert shown["interests"] == list(model.interests)
    assert model.id in run_manage("model", "show").stdout


def test_model_register_is_idempotent_and_a_dry_run_writes_nothing(
    manage: Manage, new_database: str, model: Model
) -> None:
    sql = sql_on(new_database)
    sql("DELETE FROM clusters; DELETE FROM models")
    assert "would be registered" in manage("model", "register", "--dry-run").stdout
    assert sql("SELECT count(*) FROM models") == [(0,)]
    for _ in range(2):
        assert manage("model", "register").returncode == 0
        assert sql("SELECT id FROM models") == [(model.id,)]
        assert sql("SELECT id FROM clusters ORDER BY id") == [(n,) for n in model.cluster_ids]


def test_model_register_refuses_another_artefact_of_the_same_id(
    manage: Manage, new_database: str
) -> None:
    sql_on(new_database)("UPDATE models SET sha256 = 'another'")
    done = manage("model", "register")
    assert done.returncode == 1
    assert "sha256" in done.stderr


def test_db_upgrade_creates_the_schema_of_an_empty_database(server: Server) -> None:
    url = server.create()
    assert run_manage("db", "upgrade", DATABASE_URL=url).returncode == 0
    assert sql_on(url)("SELECT count(*) FROM rooms") == [(0,)]
    server.drop(url)


def test_after_make_run_a_terminal_needs_no_variable(tmp_path: Path) -> None:
    environ: dict[str, str] = {}
    use_development_environment(environ, tmp_path)
    assert environ == {}
    (tmp_path / "development").touch()
    use_development_environment(environ, tmp_path)
    assert environ == {"APP_ENV": "development"}
    environ = {"DATABASE_URL": "postgres://somewhere"}
    use_development_environment(environ, tmp_path)
    assert "APP_ENV" not in environ


def test_help_imports_neither_flask_nor_sqlalchemy_nor_numpy() -> None:
    code = (
        "import sys, click\n"
        "from manage import manage\n"
        "def print_help(command, context):\n"
        "    print(context.get_help())\n"
        "    names = command.list_commands(context) if isinstance(command, click.Group) else ()\n"
        "    for name in names:\n"
        "        target = getattr(command, 'lazy_commands', {}).get(name, ('',))[0]\n"
        "        if not target.startswith('flask_migrate'):\n"
        "            inner = command.get_command(context, name)\n"
        "            print_help(inner, click.Context(inner, context, name))\n"
        "print_help(manage, click.Context(manage, info_name='manage.py'))\n"
        "print(sorted({'flask', 'sqlalchemy', 'numpy'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[]"
    assert "manage.py users import" in done.stdout
