"""Models that were registered, and the clusters that rooms are made for."""

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Double, ForeignKey, Index, Integer, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.database import Model


class RegisteredModel(Model):
    """A model that has served, by the id of its artefact."""

    __tablename__ = "models"
    __table_args__ = {"comment": "Models that were put into service, the artefacts being in git."}

    id: Mapped[str] = mapped_column(
        primary_key=True, comment="Day it was trained and the first digits of its sha256."
    )
    sha256: Mapped[str] = mapped_column(unique=True, comment="Of the artefact, in hexadecimal.")
    trained_at: Mapped[datetime] = mapped_column(comment="When it was trained.")
    training_users: Mapped[int] = mapped_column(Integer, comment="People it was trained on.")
    n_clusters: Mapped[int] = mapped_column(SmallInteger, comment="How many clusters it has.")
    interests: Mapped[list[str]] = mapped_column(comment="The keys it knows, in its order.")
    metrics: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="Its measures, from its card.")
    registered_at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), comment="When it was put into service."
    )
    cluster_ids: Mapped[list[int] | None] = mapped_column(
        ARRAY(SmallInteger),
        comment="Its clusters' numbers, in its order; null: a release before this column.",
    )
    components: Mapped[list[list[float]] | None] = mapped_column(
        ARRAY(Double),
        comment="A row for each of cluster_ids, a weight in it for each of interests.",
    )
    retired: Mapped[list[int] | None] = mapped_column(
        ARRAY(SmallInteger), comment="Numbers of clusters that models before it had."
    )


class Cluster(Model):
    """A stable public number for people who like the same things."""

    __tablename__ = "clusters"
    __table_args__ = (
        Index("ix_clusters_model_id", "model_id"),
        {"comment": "Clusters: numbers whose meaning never changes, nor is used again."},
    )

    id: Mapped[int] = mapped_column(
        SmallInteger, primary_key=True, autoincrement=False, comment="The stable number, from 1."
    )
    label_es: Mapped[str] = mapped_column(comment="Label in Spanish, from its top interests.")
    label_en: Mapped[str] = mapped_column(comment="Label in English, from its top interests.")
    top_interests: Mapped[list[str]] = mapped_column(comment="Heaviest interests, in order.")
    model_id: Mapped[str] = mapped_column(
        ForeignKey("models.id"), comment="The latest model that has it."
    )
    retired_at: Mapped[datetime | None] = mapped_column(
        comment="When a model came that no longer has it; null: in use."
    )
