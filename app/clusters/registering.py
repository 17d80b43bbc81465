"""`model register`: puts a model into service, its clusters' rows following its numbers.

Clusters that it lacks are retired, and come back when a rollback registers a model that has them.
No row is ever deleted: rooms go on bearing their number, and a web process that still serves the
model before goes on joining users to them. `model reassign` brings those over.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy
from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from app.clusters.history import History, KnownModel, check
from app.clusters.tables import Cluster, RegisteredModel
from app.db import Database
from model.predict import Model


@dataclass(frozen=True, slots=True)
class Registration:
    """What registering a model did or would do: the numbers in use, retired by it, back with it.

    `is_new`: no such model was registered before. `changes`: another one was in service.
    """

    model_id: str
    is_new: bool
    changes: bool
    clusters: list[int]
    retired: list[int]
    returned: list[int]


# Two releases at once register one after the other. Joins pass: their foreign keys take less.
LOCK_MODELS = text("LOCK TABLE models IN SHARE ROW EXCLUSIVE MODE")
# All numbers in use are those of the model that was registered last.
SERVING = "SELECT model_id FROM clusters WHERE retired_at IS NULL LIMIT 1"


def register(database: Database, model: Model, dry_run: bool = False) -> Registration:
    """Put a model into service; idempotent. A dry run makes the same checks.

    Raises ClashingModel, DatabaseUnavailable.
    """
    with database.transaction() as connection:
        connection.execute(LOCK_MODELS)
        history = _read(connection)
        check(model, history)
        numbers = frozenset(model.cluster_ids)
        done = Registration(
            model.id,
            is_new=history.find(model.id) is None,
            changes=history.serving != model.id,
            clusters=list(model.cluster_ids),
            retired=sorted(history.in_use - numbers),
            returned=sorted(history.retired & numbers),
        )
        if not dry_run:
            _write(connection, model)
    return done


def serving(database: Database) -> str | None:
    """The id of the model in service: the one registered last. None: none ever was.

    Raises DatabaseUnavailable.
    """
    rows = database.execute(SERVING)
    return rows[0][0] if rows else None


def _read(connection: sqlalchemy.Connection) -> History:
    known = RegisteredModel
    models = connection.execute(
        select(
            known.id,
            known.sha256,
            known.interests,
            known.cluster_ids,
            known.components,
            known.retired,
        )
    )
    clusters = connection.execute(
        select(Cluster.id, Cluster.model_id, Cluster.retired_at.is_(None))
    ).all()
    return History(
        [KnownModel(*row) for row in models],
        serving=next((model_id for _, model_id, in_use in clusters if in_use), None),
        in_use=frozenset(number for number, _, in_use in clusters if in_use),
        retired=frozenset(number for number, _, in_use in clusters if not in_use),
    )


def _write(connection: sqlalchemy.Connection, model: Model) -> None:
    # A release before migration 0007 registered models without what their numbers mean.
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
    latest: dict[str, Any] = {
        name: rows.excluded[name] for name in ("label_es", "label_en", "top_interests", "model_id")
    }
    connection.execute(
        rows.on_conflict_do_update(index_elements=[Cluster.id], set_=latest | {"retired_at": None})
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
