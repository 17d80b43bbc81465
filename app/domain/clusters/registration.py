"""`model register`: puts a model into service and updates the clusters' rows.

Clusters that the model lacks are retired; they return when a rollback registers a model that has
them. No row is ever deleted: rooms keep their number, and a web process of the previous release
continues to join users to them. `model reassign` moves those users afterwards.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.domain.clusters.compatibility import History, StoredModel, check_compatibility
from app.domain.clusters.tables import Cluster, RegisteredModel
from app.infra.database import Database
from model.predict import Model


@dataclass(frozen=True, slots=True)
class Registration:
    """What registering a model did or would do.

    `is_new`: the model was not registered before. `changes`: another one was in service.
    `clusters`: the numbers in use. `retired`, `returned`: the numbers whose state changes.
    """

    model_id: str
    is_new: bool
    changes: bool
    clusters: list[int]
    retired: list[int]
    returned: list[int]


# Serialises concurrent releases. Joins pass: their foreign keys take a weaker lock.
LOCK_MODELS = "LOCK TABLE models IN SHARE ROW EXCLUSIVE MODE"
# All numbers in use belong to the model that was registered last.
FIND_IN_SERVICE = "SELECT model_id FROM clusters WHERE retired_at IS NULL LIMIT 1"


def register(database: Database, model: Model, dry_run: bool = False) -> Registration:
    """Put a model into service; idempotent. A dry run makes the same checks.

    Raises IncompatibleModel, DatabaseUnavailable.
    """
    with database.transaction() as connection:
        connection.exec_driver_sql(LOCK_MODELS)
        history = _read_history(connection)
        check_compatibility(model, history)
        numbers = frozenset(model.cluster_ids)
        registration = Registration(
            model.id,
            is_new=history.find(model.id) is None,
            changes=history.in_service != model.id,
            clusters=list(model.cluster_ids),
            retired=sorted(history.in_use - numbers),
            returned=sorted(history.retired & numbers),
        )
        if not dry_run:
            _write(connection, model)
    return registration


def model_in_service(database: Database) -> str | None:
    """Return the id of the model in service, the one registered last, or None.

    Raises DatabaseUnavailable.
    """
    rows = database.execute(FIND_IN_SERVICE)
    return rows[0].model_id if rows else None


def _read_history(connection: sqlalchemy.Connection) -> History:
    model = RegisteredModel
    numbers = (model.cluster_ids, model.components, model.retired)
    models = connection.execute(select(model.id, model.sha256, model.interests, *numbers))
    clusters = connection.execute(select(Cluster.id, Cluster.model_id, Cluster.retired_at)).all()
    in_use = [row for row in clusters if row.retired_at is None]
    return History(
        [StoredModel(**row._asdict()) for row in models],
        in_service=in_use[0].model_id if in_use else None,
        in_use=frozenset(row.id for row in in_use),
        retired=frozenset(row.id for row in clusters if row.retired_at is not None),
    )


def _write(connection: sqlalchemy.Connection, model: Model) -> None:
    # Also updated on conflict: releases before migration 0007 registered models without them.
    numbers = {
        "cluster_ids": list(model.cluster_ids),
        "components": list(map(list, model.components)),
        "retired": list(model.retired),
    }
    connection.execute(
        insert(RegisteredModel)
        .values(
            id=model.id,
            sha256=model.sha256,
            trained_at=model.trained_at,
            training_users=model.training_users,
            n_clusters=len(model.cluster_ids),
            interests=list(model.interests),
            metrics=model.metrics,
            **numbers,
        )
        .on_conflict_do_update(index_elements=[RegisteredModel.id], set_=numbers)
    )
    rows = insert(Cluster).values([_row(model, cluster) for cluster in model.clusters])
    updated: dict[str, Any] = {
        name: rows.excluded[name] for name in ("label_es", "label_en", "top_interests", "model_id")
    }
    connection.execute(
        rows.on_conflict_do_update(index_elements=[Cluster.id], set_=updated | {"retired_at": None})
    )
    connection.execute(
        update(Cluster)
        .where(Cluster.id.not_in(model.cluster_ids), Cluster.retired_at.is_(None))
        .values(retired_at=func.now())
    )


def _row(model: Model, cluster: Any) -> dict[str, Any]:
    return {
        "id": cluster.id,
        "label_es": cluster.label_es,
        "label_en": cluster.label_en,
        "top_interests": [key for key, _ in cluster.top_interests],
        "model_id": model.id,
    }
