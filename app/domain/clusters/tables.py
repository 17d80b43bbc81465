"""Models that were registered, and the clusters that rooms are made for."""

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Double, ForeignKey, Index, Integer, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.orm import Model


class RegisteredModel(Model):
    """A model that has served, by the id of its artefact."""

    __tablename__ = "models"
    __table_args__ = {"comment": "Models that were put into service; their files are in git."}

    id: Mapped[str] = mapped_column(
        primary_key=True, comment="Model id: day of training and the first digits of sha256."
    )
    sha256: Mapped[str] = mapped_column(unique=True, comment="SHA-256 of the file, in hex.")
    trained_at: Mapped[datetime] = mapped_column(comment="Time of training.")
    training_users: Mapped[int] = mapped_column(Integer, comment="Users in the training data.")
    n_clusters: Mapped[int] = mapped_column(SmallInteger, comment="Number of clusters.")
    interests: Mapped[list[str]] = mapped_column(comment="Interest keys, in model order.")
    metrics: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="Metrics from the model card.")
    registered_at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), comment="Time at which the model was put into service."
    )
    cluster_ids: Mapped[list[int] | None] = mapped_column(
        ARRAY(SmallInteger),
        comment="Cluster ids, in the order of components; null: older than this column.",
    )
    components: Mapped[list[list[float]] | None] = mapped_column(
        ARRAY(Double),
        comment="Weights: a row for each of cluster_ids, a column for each of interests.",
    )
    retired: Mapped[list[int] | None] = mapped_column(
        ARRAY(SmallInteger), comment="Ids of clusters that earlier models had and this one lacks."
    )


class Cluster(Model):
    """A stable public number for people who like the same things."""

    __tablename__ = "clusters"
    __table_args__ = (
        Index("ix_clusters_model_id", "model_id"),
        {"comment": "Clusters; an id keeps its meaning and is never reused."},
    )

    id: Mapped[int] = mapped_column(
        SmallInteger, primary_key=True, autoincrement=False, comment="Stable cluster id, from 1."
    )
    label_es: Mapped[str] = mapped_column(comment="Label in Spanish, from its top interests.")
    label_en: Mapped[str] = mapped_column(comment="Label in English, from its top interests.")
    top_interests: Mapped[list[str]] = mapped_column(comment="Heaviest interests first.")
    model_id: Mapped[str] = mapped_column(
        ForeignKey("models.id"), comment="Latest model with this cluster."
    )
    retired_at: Mapped[datetime | None] = mapped_column(
        comment="Time at which a model without this cluster came into service; null: in use."
    )
