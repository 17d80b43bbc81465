"""Tables of registered models and of their clusters."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "models",
        sa.Column(
            "id",
            sa.Text(),
            nullable=False,
            comment="Day it was trained and the first digits of its sha256.",
        ),
        sa.Column("sha256", sa.Text(), nullable=False, comment="Of the artefact, in hexadecimal."),
        sa.Column(
            "trained_at", sa.DateTime(timezone=True), nullable=False, comment="When it was trained."
        ),
        sa.Column(
            "training_users", sa.Integer(), nullable=False, comment="People it was trained on."
        ),
        sa.Column(
            "n_clusters", sa.SmallInteger(), nullable=False, comment="How many clusters it has."
        ),
        sa.Column(
            "interests",
            sa.ARRAY(sa.Text()),
            nullable=False,
            comment="The keys it knows, in its order.",
        ),
        sa.Column("metrics", JSONB(), nullable=False, comment="Its measures, from its card."),
        sa.Column(
            "registered_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When it was put into service.",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_models"),
        sa.UniqueConstraint("sha256", name="uq_models_sha256"),
        comment="Models that were put into service, the artefacts being in git.",
    )
    op.create_table(
        "clusters",
        sa.Column(
            "id",
            sa.SmallInteger(),
            autoincrement=False,
            nullable=False,
            comment="The stable number, from 1.",
        ),
        sa.Column(
            "label_es",
            sa.Text(),
            nullable=False,
            comment="Label in Spanish, from its top interests.",
        ),
        sa.Column(
            "label_en",
            sa.Text(),
            nullable=False,
            comment="Label in English, from its top interests.",
        ),
        sa.Column(
            "top_interests",
            sa.ARRAY(sa.Text()),
            nullable=False,
            comment="Heaviest interests, in order.",
        ),
        sa.Column("model_id", sa.Text(), nullable=False, comment="The latest model that has it."),
        sa.Column(
            "retired_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When a model came that no longer has it; null: in use.",
        ),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name="fk_clusters_model_id_models"),
        sa.PrimaryKeyConstraint("id", name="pk_clusters"),
        comment="Clusters: numbers whose meaning never changes, nor is used again.",
    )
    op.create_index("ix_clusters_model_id", "clusters", ["model_id"])


def downgrade() -> None:
    op.drop_table("clusters")
    op.drop_table("models")
