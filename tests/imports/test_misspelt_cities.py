"""Cities of a file that are not in the gazetteer, by place, also those typed before."""

import json
from pathlib import Path
from typing import Any

from tests.support.manage import run_manage
from tests.support.user_files import import_users

USERS = """_id,city,country,surf
u1,Sevlla,ES,1
u2,sevlla,ES,1
u3,"Sevlla, Spain",,1
u4,Sevlla,FR,1
u5,Vigo,ES,1
u6,Spain,,1
"""


def forecast(url: str, path: Path) -> dict[str, Any]:
    done = run_manage("users", "import", str(path), "--dry-run", "--json", DATABASE_URL=url)
    plan: dict[str, Any] = json.loads(done.stdout)
    return plan


def test_a_misspelt_city_is_named_once_for_all_spellings_also_if_somebody_typed_it_before(
    new_database: str, tmp_path: Path
) -> None:
    path = tmp_path / "users.csv"
    path.write_text(USERS)
    expected = {"Sevlla": 3, "Sevlla, FR": 1}
    assert forecast(new_database, path)["unresolved"] == expected
    import_users(new_database, path)
    assert forecast(new_database, path)["unresolved"] == expected
    path.write_text("_id,city,surf\nu9,SEVLLA,1\n")
    assert forecast(new_database, path)["unresolved"] == {"Sevlla": 1}


def test_all_misspelt_cities_are_in_the_json_and_the_table_counts_those_it_leaves_out(
    new_database: str, tmp_path: Path
) -> None:
    path = tmp_path / "users.csv"
    rows = [f"u{number},Qqville{'x' * number},1\n" for number in range(30)]
    path.write_text("_id,city,surf\n" + "".join(rows))
    assert len(forecast(new_database, path)["unresolved"]) == 30
    plan = run_manage("users", "import", str(path), "--dry-run", DATABASE_URL=new_database)
    assert "(1); and 10 more: see --json" in plan.stdout
