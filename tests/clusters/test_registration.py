"""model register: numbers keep their meaning, clusters retire, rollbacks bring them back."""

import json
from typing import Any

import pytest

from app.domain.clusters.compatibility import IncompatibleModel
from app.services import Services
from model.predict import Model
from tests.support.databases import sql_on
from tests.support.manage import run_manage
from tests.support.models import MakeModel


def in_use(url: str) -> dict[int, str]:
    """Return the numbers in use, each with its model."""
    return dict(sql_on(url)("SELECT id, model_id FROM clusters WHERE retired_at IS NULL"))


def test_a_cluster_that_the_new_model_lacks_retires_and_comes_back_on_rollback(
    services: Services,
    url: str,
    model: Model,
    make_model: MakeModel,
    unlike_all: list[float],
) -> None:
    newer = make_model("newer", numbers=(1, 2, 3, 5), retired=(4,), c5=unlike_all)
    registration = services.clusters.register(newer)
    assert (
        registration.is_new,
        registration.changes,
        registration.retired,
        registration.returned,
    ) == (True, True, [4], [])
    assert in_use(url) == dict.fromkeys((1, 2, 3, 5), "newer")
    # The rollback's release phase runs the older code, which ships the older model.
    output = run_manage("model", "register", DATABASE_URL=url).stdout
    assert "5 retired: `manage.py model reassign`" in output
    assert "4 back in use" in output
    assert in_use(url) == dict.fromkeys((1, 2, 3, 4), model.id)
    again = services.clusters.register(newer)
    assert (again.is_new, again.retired, again.returned) == (False, [4], [5])
    runs = sql_on(url)("SELECT command, counts FROM admin_runs")
    assert runs == [("model register", {"clusters": 4, "retired": 1, "returned": 1})]


def test_registering_the_model_in_service_changes_nothing_and_records_no_run(
    services: Services, url: str, model: Model
) -> None:
    before = in_use(url)
    document = json.loads(run_manage("model", "register", "--json", DATABASE_URL=url).stdout)
    assert (document["model_id"], document["is_new"], document["changes"]) == (
        model.id,
        False,
        False,
    )
    assert in_use(url) == before
    assert sql_on(url)("SELECT count(*) FROM admin_runs") == [(0,)]


@pytest.mark.parametrize(
    ("numbers", "retired", "message"),
    [
        ((1, 2, 3), (), "number 4 is in use"),
        ((1, 2, 3, 5), (), "number 4 is in use"),
        ((1, 2, 3, 4, 6), (), "number 6 was retired"),
    ],
)
def test_a_model_that_loses_or_revives_a_number_is_refused(
    services: Services,
    make_model: MakeModel,
    unlike_all: list[float],
    numbers: tuple[int, ...],
    retired: tuple[int, ...],
    message: str,
) -> None:
    services.clusters.register(make_model("with-six", (1, 2, 3, 4, 6), c6=unlike_all))
    services.clusters.register(make_model("without", (1, 2, 3, 4), retired=(6,)))
    clash = make_model("clash", numbers, retired, c5=unlike_all, c6=unlike_all)
    with pytest.raises(IncompatibleModel, match=message) as raised:
        services.clusters.register(clash)
    assert "the first unused number is 7" in str(raised.value)


def test_a_number_with_another_meaning_is_refused(
    services: Services, make_model: MakeModel, unlike_all: list[float], url: str
) -> None:
    before = in_use(url)
    with pytest.raises(IncompatibleModel, match="number 3 has another meaning"):
        services.clusters.register(make_model("clash", c3=unlike_all))
    assert in_use(url) == before


def test_exchanged_numbers_are_refused_even_when_their_components_are_similar(
    services: Services, model: Model, make_model: MakeModel
) -> None:
    one, two, *_ = model.matrix
    near = make_model("near", c1=one + 0.6 * two, c2=two + 0.6 * one)
    services.clusters.register(near)
    with pytest.raises(IncompatibleModel, match="numbers 1 and 2 are exchanged"):
        services.clusters.register(make_model("clash", c1=two + 0.6 * one, c2=one + 0.6 * two))


def test_a_model_retrained_on_other_people_keeps_its_numbers(
    services: Services, model: Model, make_model: MakeModel
) -> None:
    """The components change as much as in a refit on 80 % of the survey."""
    mixed = {
        f"c{n}": 0.8 * own + 0.2 * model.matrix[n % 4]
        for n, own in zip(model.cluster_ids, model.matrix, strict=True)
    }
    assert services.clusters.register(make_model("refit", **mixed)).is_new


def test_a_number_of_a_rolled_back_model_is_not_used_again(
    services: Services, model: Model, make_model: MakeModel, unlike_all: list[float]
) -> None:
    services.clusters.register(make_model("newer", (1, 2, 3, 4, 5), c5=unlike_all))
    services.clusters.register(model)
    # Aligned to the model that the rollback restored, whose card does not list the number 5.
    branched = make_model("branched", (1, 2, 3, 4, 5), c5=[1.0] * len(model.interests))
    with pytest.raises(IncompatibleModel, match="number 5 was retired"):
        services.clusters.register(branched)


def test_a_model_registered_before_migration_0007_gets_its_components_stored(
    services: Services, model: Model, url: str
) -> None:
    sql = sql_on(url)
    sql("UPDATE models SET cluster_ids = NULL, components = NULL, retired = NULL")
    services.clusters.register(model)
    stored: list[tuple[Any, ...]] = sql("SELECT cluster_ids, components FROM models")
    assert stored == [(list(model.cluster_ids), list(map(list, model.components)))]


def test_an_incompatible_model_is_reported_in_one_line(
    services: Services, make_model: MakeModel, unlike_all: list[float], url: str
) -> None:
    sql = sql_on(url)
    services.clusters.register(make_model("newer", (1, 2, 3, 5), retired=(4,), c5=unlike_all))
    # As if the shipped artefact had never been registered here.
    sql("UPDATE clusters SET model_id = 'newer'; DELETE FROM models WHERE id <> 'newer'")
    result = run_manage("model", "register", "--dry-run", DATABASE_URL=url)
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "number 4 was retired" in result.stderr
    assert "number 5 is in use" in result.stderr
