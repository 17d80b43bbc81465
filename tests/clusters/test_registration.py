"""model register: numbers keep their meaning, retired clusters, rollbacks."""

import json
from typing import Any

import pytest

from app.domain.clusters.compatibility import ClashingModel
from app.services import Services
from model.predict import Model
from tests.clusters.conftest import MakeModel
from tests.support.databases import sql_on
from tests.support.manage import run_manage


def in_use(url: str) -> dict[int, str]:
    """Numbers in use, each with the model that has it."""
    return dict(sql_on(url)("SELECT id, model_id FROM clusters WHERE retired_at IS NULL"))


def test_a_cluster_that_the_new_model_lacks_retires_and_comes_back_on_rollback(
    services: Services,
    url: str,
    model: Model,
    make_model: MakeModel,
    unlike_all: list[float],
) -> None:
    newer = make_model("newer", numbers=(1, 2, 3, 5), retired=(4,), c5=unlike_all)
    done = services.clusters.register(newer)
    assert (done.is_new, done.changes, done.retired, done.returned) == (True, True, [4], [])
    assert in_use(url) == dict.fromkeys((1, 2, 3, 5), "newer")
    # The rollback's release phase runs the older code, which ships the older model.
    told = run_manage("model", "register", DATABASE_URL=url).stdout
    assert "5 retired: `manage.py model reassign`" in told
    assert "4 back in use" in told
    assert in_use(url) == dict.fromkeys((1, 2, 3, 4), model.id)
    again = services.clusters.register(newer)
    assert (again.is_new, again.retired, again.returned) == (False, [4], [5])
    runs = sql_on(url)("SELECT command, counts FROM admin_runs")
    assert runs == [("model register", {"clusters": 4, "retired": 1, "returned": 1})]


def test_registering_what_is_in_service_changes_nothing_and_leaves_no_run(
    services: Services, url: str, model: Model
) -> None:
    before = in_use(url)
    done = json.loads(run_manage("model", "register", "--json", DATABASE_URL=url).stdout)
    assert (done["model_id"], done["is_new"], done["changes"]) == (model.id, False, False)
    assert in_use(url) == before
    assert sql_on(url)("SELECT count(*) FROM admin_runs") == [(0,)]


@pytest.mark.parametrize(
    ("numbers", "retired", "told"),
    [
        ((1, 2, 3), (), "number 4 is in use and is neither"),
        ((1, 2, 3, 5), (), "number 4 is in use and is neither"),
        ((1, 2, 3, 4, 6), (), "number 6 was retired"),
    ],
)
def test_a_model_that_loses_or_revives_a_number_is_refused(
    services: Services,
    make_model: MakeModel,
    unlike_all: list[float],
    numbers: tuple[int, ...],
    retired: tuple[int, ...],
    told: str,
) -> None:
    services.clusters.register(make_model("with-six", (1, 2, 3, 4, 6), c6=unlike_all))
    services.clusters.register(make_model("without", (1, 2, 3, 4), retired=(6,)))
    clash = make_model("clash", numbers, retired, c5=unlike_all, c6=unlike_all)
    with pytest.raises(ClashingModel, match=told) as refused:
        services.clusters.register(clash)
    assert "the first number never used is 7" in str(refused.value)


def test_a_number_that_means_another_thing_is_refused(
    services: Services, make_model: MakeModel, unlike_all: list[float], url: str
) -> None:
    before = in_use(url)
    with pytest.raises(ClashingModel, match="number 3 means another thing"):
        services.clusters.register(make_model("clash", c3=unlike_all))
    assert in_use(url) == before


def test_two_numbers_exchanged_are_refused_also_when_the_components_are_much_alike(
    services: Services, model: Model, make_model: MakeModel
) -> None:
    one, two, *_ = model.matrix
    near = make_model("near", c1=one + 0.6 * two, c2=two + 0.6 * one)
    services.clusters.register(near)
    with pytest.raises(ClashingModel, match="numbers 1 and 2 are exchanged"):
        services.clusters.register(make_model("clash", c1=two + 0.6 * one, c2=one + 0.6 * two))


def test_a_model_retrained_on_other_people_keeps_its_numbers(
    services: Services, model: Model, make_model: MakeModel
) -> None:
    """Components that moved as far as a refit on four fifths of the survey moves them."""
    mixed = {
        f"c{n}": 0.8 * own + 0.2 * model.matrix[n % 4]
        for n, own in zip(model.cluster_ids, model.matrix, strict=True)
    }
    assert services.clusters.register(make_model("refit", **mixed)).is_new


def test_the_number_that_a_model_rolled_back_from_had_is_not_given_again(
    services: Services, model: Model, make_model: MakeModel, unlike_all: list[float]
) -> None:
    services.clusters.register(make_model("newer", (1, 2, 3, 4, 5), c5=unlike_all))
    services.clusters.register(model)
    # Trained from the model that was rolled back to, whose card knows of no 5.
    branched = make_model("branched", (1, 2, 3, 4, 5), c5=[1.0] * len(model.interests))
    with pytest.raises(ClashingModel, match="number 5 was retired"):
        services.clusters.register(branched)


def test_a_model_that_a_release_before_registered_learns_what_its_numbers_mean(
    services: Services, model: Model, url: str
) -> None:
    sql = sql_on(url)
    sql("UPDATE models SET cluster_ids = NULL, components = NULL, retired = NULL")
    services.clusters.register(model)
    stored: list[tuple[Any, ...]] = sql("SELECT cluster_ids, components FROM models")
    assert stored == [(list(model.cluster_ids), list(map(list, model.components)))]


def test_a_clash_is_one_clear_line_of_the_release(
    services: Services, make_model: MakeModel, unlike_all: list[float], url: str
) -> None:
    sql = sql_on(url)
    services.clusters.register(make_model("newer", (1, 2, 3, 5), retired=(4,), c5=unlike_all))
    # As if the shipped artefact had never been registered here.
    sql("UPDATE clusters SET model_id = 'newer'; DELETE FROM models WHERE id <> 'newer'")
    done = run_manage("model", "register", "--dry-run", DATABASE_URL=url)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "number 4 was retired" in done.stderr
    assert "number 5 is in use" in done.stderr
