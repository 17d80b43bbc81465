"""Register models, and tell what clusters there are."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.clusters.tables import Cluster, RegisteredModel
from app.db import Database
from model.predict import Model


class ClashingModel(Exception):
    """The artefact bears the id of a registered model that is another one."""


@dataclass(frozen=True, slots=True)
class Registration:
    """What registering a model did or would do."""

    model_id: str
    is_new: bool
    clusters: list[int]
    registered_at: datetime | None


@dataclass(frozen=True, slots=True)
class ClusterDetails:
    """A cluster as the database knows it, and how many are in its rooms."""

    id: int
    label_es: str
    label_en: str
    top_interests: list[str]
    model_id: str
    retired_at: datetime | None
    rooms: int
    members: int


class UnknownCluster(Exception):
    """No cluster has this number."""


LIST = """
    SELECT clusters.id, label_es, label_en, top_interests, model_id, retired_at,
           count(counted.room_id), coalesce(sum(counted.members), 0)::bigint
    FROM clusters
    LEFT JOIN (
        SELECT rooms.cluster_id, rooms.id AS room_id, count(memberships.user_id) AS members
        FROM rooms LEFT JOIN memberships ON memberships.room_id = rooms.id GROUP BY rooms.id
    ) AS counted ON counted.cluster_id = clusters.id
    WHERE %(id)s IS NULL OR clusters.id = %(id)s
    GROUP BY clusters.id ORDER BY clusters.id
"""


class Clusters:
    """The models and clusters that the database knows."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def register(self, model: Model, dry_run: bool = False) -> Registration:
        """Put a model into service: its row, and a row for each of its clusters; idempotent.

        Raises ClashingModel, DatabaseUnavailable.
        """
        with self.database.transaction() as connection:
            known = connection.execute(
                select(RegisteredModel.sha256, RegisteredModel.registered_at).where(
                    RegisteredModel.id == model.id
                )
            ).one_or_none()
            if known and known.sha256 != model.sha256:
                raise ClashingModel(model.id)
            if not dry_run:
                _write(connection, model)
        return Registration(
            model.id, known is None, list(model.cluster_ids), known and known.registered_at
        )

    def all(self) -> list[ClusterDetails]:
        """Every cluster, retired ones too, in the order of their numbers.

        Raises DatabaseUnavailable.
        """
        return [ClusterDetails(*row) for row in self.database.execute(LIST, {"id": None})]

    def show(self, number: int) -> ClusterDetails:
        """One cluster.

        Raises UnknownCluster, DatabaseUnavailable.
        """
        rows = self.database.execute(LIST, {"id": number})
        if not rows:
            raise UnknownCluster(number)
        return ClusterDetails(*rows[0])


def _write(connection: sqlalchemy.Connection, model: Model) -> None:
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
        )
        .on_conflict_do_nothing()
    )
    rows = insert(Cluster).values(
        [
            {
                "id": cluster.id,
                "label_es": cluster.label_es,
                "label_en": cluster.label_en,
                "top_interests": [key for key, _ in cluster.top_interests],
                "model_id": model.id,
            }
            for cluster in model.clusters
        ]
    )
    latest = {
        name: rows.excluded[name] for name in ("label_es", "label_en", "top_interests", "model_id")
    }
    connection.execute(rows.on_conflict_do_update(index_elements=[Cluster.id], set_=latest))
