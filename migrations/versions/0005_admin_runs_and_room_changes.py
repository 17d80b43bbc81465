"""Tables of command runs and of the moves that they caused."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "admin_runs",
        sa.Column(
            "id",
            sa.BigInteger(),
            sa.Identity(always=False),
            nullable=False,
            comment="Number of the run.",
        ),
        sa.Column(
            "command", sa.Text(), nullable=False, comment="The command, such as 'cities merge'."
        ),
        sa.Column("arguments", JSONB(), nullable=False, comment="Its arguments, without user ids."),
        sa.Column("by", sa.Text(), nullable=False, comment="The system's user who ran it."),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When.",
        ),
        sa.Column(
            "finished_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When it ended; null: it did not.",
        ),
        sa.Column(
            "counts",
            JSONB(),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="People, rooms and cities touched.",
        ),
        sa.Column(
            "status",
            sa.Text(),
            server_default=sa.text("'running'"),
            nullable=False,
            comment="running, done, interrupted or failed.",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_admin_runs"),
        comment="Commands that changed something: who, when, what came of it.",
    )
    op.create_table(
        "room_changes",
        sa.Column(
            "id",
            sa.BigInteger(),
            sa.Identity(always=False, cache=1),
            nullable=False,
            comment="Order of the move: a reader's cursor.",
        ),
        sa.Column(
            "user_id", sa.Text(), nullable=False, comment="The app's id of the user who was moved."
        ),
        sa.Column(
            "from_room",
            sa.BigInteger(),
            nullable=False,
            comment="The room the user was in; it may be gone.",
        ),
        sa.Column(
            "to_room", sa.BigInteger(), nullable=False, comment="The room the user was put into."
        ),
        sa.Column(
            "reason",
            sa.Text(),
            nullable=False,
            comment="merge, gather, release, reassign or import.",
        ),
        sa.Column(
            "run_id", sa.BigInteger(), nullable=True, comment="The command that moved the user."
        ),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When.",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["admin_runs.id"], name="fk_room_changes_run_id_admin_runs"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_room_changes"),
        comment="Moves that the app did not ask for, in commit order; kept for 30 days.",
    )
    op.create_index("ix_room_changes_at", "room_changes", ["at"])
    op.create_index("ix_room_changes_user_id", "room_changes", ["user_id"])


def downgrade() -> None:
    op.drop_table("room_changes")
    op.drop_table("admin_runs")
