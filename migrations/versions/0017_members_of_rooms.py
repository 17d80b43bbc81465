"""The members of a room in pages, and the city that members said before it was merged."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

REASONS_BEFORE = "merge, gather, release, reassign or import."
REASONS = "merge, unmerge, gather, release, reassign or import."
MERGED_BEFORE = "City into which this one was merged permanently; never a merged city itself."
MERGED = "City into which this one was merged; never a merged city itself."
ASKED = "asked: the person sent another city or other interests;"
KEPT = "a command moved the person; no longer known: the reason is kept for 30 days."


def upgrade() -> None:
    op.add_column(
        "memberships",
        sa.Column(
            "said_city_id",
            sa.BigInteger(),
            comment="City that the user gave, if it was merged into city_id; null: city_id.",
        ),
    )
    set_comments(REASONS, REASONS_BEFORE, MERGED, MERGED_BEFORE)


def downgrade() -> None:
    set_comments(REASONS_BEFORE, REASONS, MERGED_BEFORE, MERGED)
    op.drop_column("memberships", "said_city_id")


def set_comments(reasons: str, reasons_before: str, merged: str, merged_before: str) -> None:
    op.alter_column("room_changes", "reason", comment=reasons, existing_comment=reasons_before)
    op.alter_column("cities", "merged_into", comment=merged, existing_comment=merged_before)
    set_comment_of_moves(reasons)


def set_comment_of_moves(reasons: str) -> None:
    op.execute(
        f"COMMENT ON COLUMN analytics.moves.reason IS '{ASKED} {reasons.removesuffix('.')}: {KEPT}'"
    )
