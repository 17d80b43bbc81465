"""Components of registered models, so that no later model changes the meaning of a cluster id."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column(
        "models",
        sa.Column(
            "cluster_ids",
            sa.ARRAY(sa.SmallInteger()),
            nullable=True,
            comment="Its clusters' numbers, in its order; null: a release before this column.",
        ),
    )
    op.add_column(
        "models",
        sa.Column(
            "components",
            sa.ARRAY(sa.Double()),
            nullable=True,
            comment="A row for each of cluster_ids, a weight in it for each of interests.",
        ),
    )
    op.add_column(
        "models",
        sa.Column(
            "retired",
            sa.ARRAY(sa.SmallInteger()),
            nullable=True,
            comment="Numbers of clusters that models before it had.",
        ),
    )


def downgrade() -> None:
    op.drop_column("models", "retired")
    op.drop_column("models", "components")
    op.drop_column("models", "cluster_ids")
