"""cities merge says which two cities it merges, and needs --force where they may not be one."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.moves.test_relocation import client, join, url  # noqa: F401
from tests.support.manage import run_manage

SEVILLA, SEVILLA_CO, DOS_HERMANAS, VIGO = 2510911, 3668132, 2518794, 3105976


@pytest.fixture
def merge(url: str) -> Any:  # noqa: F811
    """Run `manage.py cities merge`."""
    return lambda *arguments: run_manage("cities", "merge", *map(str, arguments), DATABASE_URL=url)


def test_a_merge_names_region_country_people_members_and_distance_of_both_cities(
    client: FlaskClient,  # noqa: F811
    merge: Any,
) -> None:
    typed = join(client, "a", "Sevlla")["city"]["id"]
    for user in ("b", "c"):
        join(client, user, "Sevilla")
    assert merge(typed, SEVILLA, "--dry-run").stdout == (
        "Sevlla (ES, typed, 1 member) becomes Sevilla (Andalucía, ES, 686,741 people, 2 members):"
        " 1 people in 1 rooms move\n"
    )
    near = merge(DOS_HERMANAS, SEVILLA, "--dry-run")
    assert near.stdout.startswith("Dos Hermanas (Andalucía, ES, ")
    assert "2 members), 12.0 km away: 0 people" in near.stdout
    plan = json.loads(merge(DOS_HERMANAS, SEVILLA, "--dry-run", "--json").stdout)
    assert (plan["km"], plan["doubts"], plan["origin"]["members"]) == (12.0, [], 0)


@pytest.mark.parametrize(
    ("origin", "into", "reason"),
    [
        ("typed", SEVILLA_CO, "Sevilla is in another country (CO, not ES)"),
        (VIGO, SEVILLA, "Sevilla is 588 km away"),
        (VIGO, "typed", "Vigo is in the gazetteer, and Sevlla was typed"),
    ],
)
def test_cities_that_may_not_be_one_place_are_merged_only_with_force(
    client: FlaskClient,  # noqa: F811
    merge: Any,
    origin: Any,
    into: Any,
    reason: str,
) -> None:
    typed = join(client, "a", "Sevlla")["city"]["id"]
    ids = [typed if city == "typed" else city for city in (origin, into)]
    for options in (["--yes"], ["--dry-run"], ["--dry-run", "--json"]):
        refused = merge(*ids, *options)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert len(refused.stderr.splitlines()) == 1
        assert reason in refused.stderr
        assert "--force" in refused.stderr
        assert "becomes" in refused.stderr
    assert merge(*ids, "--force", "--dry-run").returncode == 0
