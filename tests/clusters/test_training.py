"""The commands `model train` and `model evaluate`."""

import json
from pathlib import Path

import pytest

from model import artifact
from tests.support.databases import Sql
from tests.support.manage import run_manage
from tests.support.paths import SHARED_DATA
from tests.support.planted import planted


@pytest.fixture
def tidy(tmp_path: Path) -> str:
    """Write a tidy CSV of 300 people and 26 interests in three groups."""
    ticks, _ = planted(3, 0, people=300)
    lines = [",".join(f"i{j}" for j in range(26))]
    lines += [",".join(str(int(tick)) for tick in row) for row in ticks]
    file = tmp_path / "tidy.csv"
    file.write_text("\n".join(lines))
    return str(file)


def test_training_is_reproducible_and_replacing_a_model_needs_confirmation(
    tidy: str, tmp_path: Path
) -> None:
    train = ("model", "train", "--data", tidy, "--output", str(tmp_path / "model"))
    assert "would be written" in run_manage(*train, "--clusters", "3", "--dry-run").stdout
    assert not (tmp_path / "model").exists()
    assert "was written" in run_manage(*train, "--clusters", "3").stdout
    first = (tmp_path / "model" / "nmf.json").read_bytes()
    assert "is already in" in run_manage(*train, "--clusters", "3").stdout
    refused = run_manage(*train, "--clusters", "4")
    assert refused.returncode == 1
    assert "--yes" in refused.stderr
    assert (tmp_path / "model" / "nmf.json").read_bytes() == first
    result = run_manage(*train, "--clusters", "4", "--yes", "--json")
    numbers = [cluster["id"] for cluster in json.loads(result.stdout)["clusters"]]
    assert numbers == [1, 2, 3, 4]
    assert artifact.load(tmp_path / "model").cluster_ids == (1, 2, 3, 4)


@pytest.mark.skipif(not (SHARED_DATA / "survey.csv").exists(), reason="needs the survey")
def test_the_command_reproduces_the_published_model_byte_for_byte(tmp_path: Path) -> None:
    data = ("--data", str(SHARED_DATA / "survey.csv"), "--output", str(tmp_path))
    assert run_manage("model", "train", "--published", *data).returncode == 0
    for name in (artifact.FACTORS, artifact.CARD):
        new, shipped = ((place / name).read_bytes() for place in (tmp_path, artifact.DIRECTORY))
        if name == artifact.CARD:  # library versions differ between machines
            cards = [json.loads(text) for text in (new, shipped)]
            new, shipped = ({**card, "versions": None} for card in cards)
        assert new == shipped


def add_members(sql: Sql, profiles: list[list[str]]) -> None:
    """Insert a member for each profile, all in one room."""
    sql(
        "WITH city AS (INSERT INTO cities (name, name_key) VALUES ('X', 'x') RETURNING id),"
        " room AS (INSERT INTO rooms (city_id, cluster_id) SELECT id, 1 FROM city RETURNING *)"
        " INSERT INTO memberships (user_id, city_id, room_id, interests, model_id, created_at,"
        " joined_at, updated_at)"
        " SELECT 'user-' || number, room.city_id, room.id,"
        " ARRAY(SELECT jsonb_array_elements_text(profile)), models.id, now(), now(), now()"
        " FROM jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS member (profile, number),"
        " room, models",
        (json.dumps(profiles),),
    )


def test_a_model_is_trained_on_the_members_and_the_run_is_recorded(
    database_url: str, client: object, sql: Sql, tmp_path: Path
) -> None:
    options = ("--output", str(tmp_path / "model"), "--clusters", "3")
    too_few = run_manage("model", "train", "--from-db", *options, DATABASE_URL=database_url)
    assert too_few.returncode == 1
    assert "0 members with interests are too few" in too_few.stderr
    ticks, _ = planted(3, 0, people=200)
    add_members(sql, [[f"i{j:02}" for j in range(26) if row[j]] for row in ticks])
    result = run_manage(
        "model", "train", "--from-db", *options, "--json", DATABASE_URL=database_url
    )
    assert result.returncode == 0, result.stderr
    assert len(json.loads(result.stdout)["learned"]) == 26
    assert sql("SELECT counts FROM admin_runs WHERE command = 'model train'") == [
        ({"people": len(ticks)},)
    ]


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_what_fewer_than_five_members_typed_is_printed_and_written_nowhere(
    database_url: str, client: object, sql: Sql, tmp_path: Path, form: tuple[str, ...]
) -> None:
    ticks, _ = planted(3, 0, people=200)
    profiles = [[f"i{j:02}" for j in range(26) if row[j]] for row in ticks]
    for number, profile in enumerate(profiles[:40]):
        profile.append(f"secret of member {number}")
    for profile in profiles[50:54]:
        profile.append("secret of four")
    add_members(sql, profiles)
    options = ("--from-db", "--output", str(tmp_path), "--clusters", "auto", "--yes", *form)
    plot = ("--plot", str(tmp_path / "choice.svg"))
    result = run_manage("model", "train", *options, *plot, DATABASE_URL=database_url)
    assert result.returncode == 0, result.stderr
    assert "memberships, 41 keys of fewer than 5 people are left out" in result.stderr
    written = [file.read_bytes() for file in tmp_path.iterdir()]
    assert len(written) == 3
    for text in (result.stdout.encode(), result.stderr.encode(), *written):
        assert b"secret" not in text
    assert len(artifact.load(tmp_path).interests) == len(artifact.load().interests) + 26


def test_rooms_are_evaluated_and_drawn(tidy: str, tmp_path: Path) -> None:
    picture = tmp_path / "rooms.png"
    options = ("--clusters", "3", "--plot", str(picture), "--json")
    result = run_manage("model", "evaluate", "--data", tidy, *options)
    measured = {entry["method"]: entry for entry in json.loads(result.stdout)}
    assert set(measured) == {"nmf", "published", "kmeans", "spherical_kmeans", "random"}
    assert measured["nmf"]["k"] == 3
    assert measured["nmf"]["held_out_lift"] > measured["random"]["held_out_lift"] + 0.2
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train",), "give either --data FILE or --from-db"),
        (("train", "--data", "nowhere.csv"), "nowhere.csv: No such file"),
        (("train", "--data", "x", "--clusters", "13"), "neither auto nor a number within 2-12"),
        (("evaluate", "--data", "x", "--clusters", "1-4"), "not a number or range within 2-12"),
        (("evaluate", "--data", "x", "--plot", "x.gif"), "must end with .png or .svg"),
    ],
)
def test_a_wrong_option_is_reported_in_one_line(arguments: tuple[str, ...], message: str) -> None:
    result = run_manage("model", *arguments)
    assert result.returncode == 1
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
