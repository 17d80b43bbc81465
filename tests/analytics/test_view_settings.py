"""Settings that each release writes for the views."""

import pytest

from app.config import ConfigurationError, read_environment
from model.interests import load_interests
from tests.support.databases import sql_on
from tests.support.manage import run_manage


def test_every_release_writes_the_smallest_group_and_the_interests_names(
    new_database: str,
) -> None:
    sql = sql_on(new_database)
    sql("DELETE FROM interests WHERE key <> 'surf'; UPDATE interests SET label_en = 'x'")
    sql("INSERT INTO interests VALUES ('gone', 'sport', 'ido', 'gone')")
    done = run_manage("db", "upgrade", DATABASE_URL=new_database, ANALYTICS_MIN_GROUP="7")
    assert done.returncode == 0, done.stderr
    assert sql("SELECT id, min_group FROM analytics_settings") == [(1, 7)]
    labels = dict(sql("SELECT key, label_en FROM interests"))
    # Members may have selected an interest that the form no longer offers.
    assert labels.pop("gone") == "gone"
    assert labels == {interest.key: interest.labels["en"] for interest in load_interests()}


@pytest.mark.parametrize("number", ["2", "0", "-5", "1001", "five"])
def test_a_minimum_group_outside_3_to_1000_is_refused(number: str) -> None:
    with pytest.raises(ConfigurationError, match="ANALYTICS_MIN_GROUP"):
        read_environment({"APP_ENV": "development", "ANALYTICS_MIN_GROUP": number})
