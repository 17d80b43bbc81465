"""Commands that only read: their tables, their JSON, one line for a mistake."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.support.databases import sql_on
from tests.support.manage import Manage, add_room


def test_rooms_are_filtered_and_sorted(manage: Manage, new_database: str) -> None:
    small, city = add_room(new_database, 2)
    sql = sql_on(new_database)
    ((large,),) = sql("INSERT INTO rooms (city_id, cluster_id) VALUES (2510911, 2) RETURNING id")
    sql(
        "INSERT INTO memberships SELECT 'm' || n, 2510911, %s, NULL, '{surf}',"
        " (SELECT id FROM models), now(), now() - interval '90 days', now()"
        " FROM generate_series(1, 7) AS n",
        (large,),
    )

    def listed(*options: str) -> list[int]:
        rows = json.loads(manage("rooms", "list", "--json", *options).stdout)
        return [row["room_id"] for row in rows]

    assert listed() == [large, small]
    assert listed("--sort", "fewest") == [small, large]
    assert listed("--city", "sevilla") == [large]
    assert listed("--city", "vila", "--country", "es") == [small]
    assert listed("--cluster", "1") == [small]
    assert listed("--min-members", "3") == [large]
    assert listed("--max-members", "3") == [small]
    assert listed("--quiet") == [large, small]
    rows = list(csv.DictReader(io.StringIO(manage("rooms", "export").stdout)))
    assert [(row["room_id"], row["members"]) for row in rows] == [
        (str(small), "2"),
        (str(large), "7"),
    ]
    assert manage("rooms", "list", "--city", "Nowhere At All").returncode == 1


def test_clusters_are_listed_shown_and_drawn(manage: Manage, tmp_path: Path) -> None:
    assert [row["id"] for row in json.loads(manage("clusters", "list", "--json").stdout)] == [
        1,
        2,
        3,
        4,
    ]
    assert "label" in manage("clusters", "list").stdout
    assert json.loads(manage("clusters", "show", "2", "--json").stdout)["id"] == 2
    assert "interests" in manage("clusters", "show", "2").stdout
    unknown = manage("clusters", "show", "99")
    assert unknown.returncode == 1
    assert "clusters list" in unknown.stderr
    for name, magic in (("heat.png", b"\x89PNG"), ("mapa.svg", b"<?xml")):
        assert manage("clusters", "plot", str(tmp_path / name), "--language", "es").returncode == 0
        assert (tmp_path / name).read_bytes().startswith(magic)
    refused = manage("clusters", "plot", str(tmp_path / "heat.gif"))
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)


def test_a_user_is_shown_and_forgotten(manage: Manage, new_database: str) -> None:
    room, _ = add_room(new_database, 1)
    assert str(room) in manage("users", "show", "u1").stdout
    assert json.loads(manage("users", "show", "u1", "--json").stdout)["room_id"] == room
    assert "would erase" in manage("users", "forget", "u1", "--dry-run").stdout
    assert manage("users", "forget", "u1").returncode == 1
    assert manage("users", "forget", "u1", "--yes").returncode == 0
    sql = sql_on(new_database)
    assert sql("SELECT count(*) FROM memberships") == [(0,)]
    assert sql("SELECT command, arguments, status FROM admin_runs") == [
        ("users forget", {}, "done")
    ]
    gone = manage("users", "show", "u1")
    assert (gone.returncode, len(gone.stderr.splitlines())) == (1, 1)


def test_runs_list_and_show_what_admins_did(manage: Manage, new_database: str) -> None:
    assert "No command" in manage("runs", "list").stderr
    add_room(new_database, 1)
    manage("users", "forget", "u1", "--yes")
    (run,) = json.loads(manage("runs", "list", "--json").stdout)
    assert (run["command"], run["counts"], run["status"]) == ("users forget", {"users": 1}, "done")
    assert "users forget" in manage("runs", "list").stdout
    assert json.loads(manage("runs", "show", str(run["id"]), "--json").stdout) == run
    assert manage("runs", "show", "999").returncode == 1


def test_stats_show_how_many_are_alone_and_the_growth_by_week(
    manage: Manage,
    new_database: str,
) -> None:
    add_room(new_database, 1)
    stats = json.loads(manage("stats", "--json").stdout)
    assert (stats["users"], stats["alone"], stats["in_rooms_under_5"]) == (1, 1, 1)
    assert sum(stats["weeks"].values()) == 1
    output = manage("stats").stdout
    assert "alone" in output
    assert "▇" in output


@pytest.mark.parametrize("group", ["cities", "clusters", "model", "rooms", "runs", "users"])
def test_every_group_has_help(manage: Manage, group: str) -> None:
    done = manage(group, "--help")
    assert done.returncode == 0
    assert "Commands:" in done.stdout
