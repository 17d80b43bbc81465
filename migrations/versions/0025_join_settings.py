"""The table that says whether concurrent joins are written in one statement."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.create_table(
        "join_settings",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, comment="Always 1."),
        sa.Column(
            "is_grouped",
            sa.Boolean(),
            nullable=False,
            comment="Whether concurrent joins are written in one statement.",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_join_settings"),
        sa.CheckConstraint("id = 1", name="ck_join_settings_one_row"),
        comment="How users are written; one row, or none for the defaults.",
    )


def downgrade() -> None:
    op.drop_table("join_settings")
