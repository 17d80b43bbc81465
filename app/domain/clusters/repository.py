"""Reads the registered clusters, and registers models."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from app.infra.database import Database
from model.predict import Model

if TYPE_CHECKING:
    from app.domain.clusters.registration import Registration


@dataclass(frozen=True, slots=True)
class ClusterDetails:
    """A registered cluster, and how many rooms and members it has."""

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
           count(counts.room_id) AS rooms, coalesce(sum(counts.members), 0)::bigint AS members
    FROM clusters
    LEFT JOIN (
        SELECT rooms.cluster_id, rooms.id AS room_id, count(memberships.user_id) AS members
        FROM rooms LEFT JOIN memberships ON memberships.room_id = rooms.id GROUP BY rooms.id
    ) AS counts ON counts.cluster_id = clusters.id
    WHERE %(id)s IS NULL OR clusters.id = %(id)s
    GROUP BY clusters.id ORDER BY clusters.id
"""


class Clusters:
    """The models and clusters of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def register(self, model: Model, dry_run: bool = False) -> "Registration":
        """Put a model into service: see app.domain.clusters.registration.

        Raises IncompatibleModel, DatabaseUnavailable.
        """
        # Imported here: web processes never register, and need not load what compares components.
        from app.domain.clusters.registration import register

        return register(self.database, model, dry_run)

    def all(self) -> list[ClusterDetails]:
        """Return all clusters, retired ones too, in the order of their numbers.

        Raises DatabaseUnavailable.
        """
        return [
            ClusterDetails(**row._asdict()) for row in self.database.execute(LIST, {"id": None})
        ]

    def show(self, number: int) -> ClusterDetails:
        """Return one cluster.

        Raises UnknownCluster, DatabaseUnavailable.
        """
        rows = self.database.execute(LIST, {"id": number})
        if not rows:
            raise UnknownCluster(number)
        return ClusterDetails(**rows[0]._asdict())
