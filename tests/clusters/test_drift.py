"""model drift: an alarm for differences that are more than chance, and not small."""

import json

import numpy as np
import pytest

from app.domain.clusters.drift import MAX_ALARM_P, MIN_ALARM_V, compare
from app.services import Services
from model.predict import Model
from tests.support.databases import sql_on
from tests.support.manage import run_manage
from tests.support.members import place_anywhere


def counts(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


def test_v_is_0_for_equal_shares_and_1_without_a_common_cluster() -> None:
    assert compare(counts(25, 25, 50), counts(250, 250, 500)) == (0.0, 1.0)
    v, p_value = compare(counts(60, 0), counts(0, 5000))
    assert v == pytest.approx(1)
    assert p_value < 1e-100


def test_the_p_value_depends_on_the_number_of_users_and_v_does_not() -> None:
    training = counts(27, 38, 22, 28)
    few, many = compare(training, counts(5, 3, 9, 3)), compare(training, counts(500, 300, 900, 300))
    assert few[0] == pytest.approx(many[0])
    assert few[1] > MAX_ALARM_P > many[1]


def test_p_values_of_samples_of_one_population_are_uniform() -> None:
    rng = np.random.default_rng(7)
    shares = [0.24, 0.33, 0.19, 0.24]
    p_values = [
        compare(rng.multinomial(115, shares), rng.multinomial(2_000, shares))[1] for _ in range(400)
    ]
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.035)


def months(url: str) -> dict[str, dict[str, object]]:
    result = run_manage("model", "drift", "--json", DATABASE_URL=url)
    assert result.returncode == 0, result.stderr
    return {month["month"]: month for month in json.loads(result.stdout)["months"]}


def test_each_month_is_compared_with_the_training_and_too_few_users_raise_no_alarm(
    services: Services, url: str, model: Model
) -> None:
    sql = sql_on(url)
    place_anywhere(url, model, 900)
    # Months of 60 and of 500 users, all of one cluster.
    for month, first, last in (("2026-08-15", 0, 60), ("2026-09-15", 100, 600)):
        sql(
            "UPDATE memberships SET created_at = %s, interests = '{drinks,parties,x}'"
            " WHERE user_id >= %s AND user_id < %s",
            (month, f"member-{first:08}", f"member-{last:08}"),
        )
    reports = months(url)
    assert [(name, month["users"]) for name, month in reports.items()] == [
        ("2026-08", 60),
        ("2026-09", 500),
        ("2026-10", 340),
    ]
    assert (reports["2026-08"]["verdict"], reports["2026-09"]["verdict"]) == ("too few", "drift")
    assert reports["2026-09"]["shares"] == {"1": 0, "2": 0, "3": 1, "4": 0}
    assert reports["2026-09"]["unknown_interests"] == pytest.approx(1 / 3)
    margin = model.explain(["drinks", "parties"]).margin
    assert reports["2026-09"]["margin"] == pytest.approx(margin)
    table = run_manage("model", "drift", DATABASE_URL=url).stdout.splitlines()
    assert table[1].split()[:2] == ["training", str(model.training_users)]
    assert [line.split()[-1] for line in table[2:4]] == ["few", "drift"]


def test_people_like_those_of_the_training_raise_no_alarm(
    services: Services, url: str, model: Model
) -> None:
    """A thousand users with the same shares as the training."""
    place_anywhere(url, model, 1_000)
    profiles = {model.predict([key]): key for key in model.interests}
    sizes = model.metrics["cluster_sizes"]
    interests = [profiles[int(number)] for number, size in sizes.items() for _ in range(size)]
    sql_on(url)(
        "UPDATE memberships SET interests ="
        " ARRAY[(%s::text[])[1 + right(user_id, 8)::int %% cardinality(%s::text[])]]",
        (interests, interests),
    )
    (month,) = months(url).values()
    assert month["verdict"] == ""
    assert float(str(month["cramers_v"])) < MIN_ALARM_V / 2


def test_without_members_the_command_says_so(services: Services, url: str) -> None:
    result = run_manage("model", "drift", DATABASE_URL=url)
    assert (result.returncode, result.stdout) == (0, "")
    assert "no member" in result.stderr
