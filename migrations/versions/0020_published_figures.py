"""Tables of published figures, which take the place of the analysts' views of the members."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"

VIEWS_BEFORE = (
    "rooms",
    "cities",
    "clusters",
    "models",
    "daily_joins",
    "weekly_joins",
    "interest_popularity",
    "city_interests",
    "moves",
)


def upgrade() -> None:
    for name in VIEWS_BEFORE:
        # Only analysts read them, and the views of the same names follow.
        op.execute(f"-- squawk-ignore ban-drop-view\nDROP VIEW analytics.{name}")
    create_tables()


def create_tables() -> None:
    op.create_table(
        "publications",
        sa.Column("until", sa.Date(), comment="The first day, in UTC, that was not counted."),
        sa.Column(
            "min_group",
            sa.Integer(),
            nullable=False,
            comment="Smallest group that was shown at that time.",
        ),
        sa.Column(
            "published_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="Time of the publication.",
        ),
        sa.PrimaryKeyConstraint("until", name="pk_publications"),
        comment="Publications of the figures that analysts see.",
    )
    op.create_table(
        "published",
        sa.Column("view", sa.Text(), comment="Name of the view."),
        sa.Column("key", sa.Text(), comment="Key of the group in the view."),
        sa.Column(
            "size",
            sa.BigInteger(),
            nullable=False,
            comment="Exact number of people when the row was published; no view shows it.",
        ),
        sa.Column(
            "cells",
            postgresql.JSONB(),
            nullable=False,
            comment="The view's cells, with rounded counts.",
        ),
        sa.PrimaryKeyConstraint("view", "key", name="pk_published"),
        comment="Published figures: one row for each row of an analysts' view.",
    )
    op.create_table(
        "deletions",
        sa.Column(
            "deleted_month",
            sa.Date(),
            comment="First day of the month of the erasure, UTC.",
        ),
        sa.Column(
            "joined_month",
            sa.Date(),
            comment="First day of the month of the first join, UTC.",
        ),
        sa.Column(
            "country",
            sa.Text(),
            comment="Country of their city, ISO 3166-1 alpha-2; or 'unknown'.",
        ),
        sa.Column(
            "cluster_id",
            sa.SmallInteger(),
            autoincrement=False,
            comment="Cluster of their room.",
        ),
        sa.Column("members", sa.BigInteger(), nullable=False, comment="Number of erased users."),
        sa.Column(
            "demo_members",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="Those of them whom `manage.py demo` made up.",
        ),
        sa.PrimaryKeyConstraint(
            "deleted_month", "joined_month", "country", "cluster_id", name="pk_deletions"
        ),
        comment="Numbers of erased users, without their ids.",
    )


def downgrade() -> None:
    for table in ("deletions", "published", "publications"):
        op.drop_table(table)
    create_views_before()


def create_views_before() -> None:
    """Create the views again as the revisions up to 0018 left them."""
    module = {
        number: context.script.get_revision(number).module
        for number in ("0008", "0009", "0012", "0016", "0017", "0018")
    }
    for views in (module["0008"].VIEWS, module["0009"].VIEWS):
        for name, (sql, comment, columns) in views.items():
            op.execute(f"CREATE VIEW analytics.{name} WITH (security_barrier) AS {sql}")
            module["0012"].set_comments(name, comment, columns)
    for name, (comment, columns) in module["0012"].VIEWS.items():
        module["0012"].set_comments(name, comment, columns)
    module["0016"].upgrade()
    module["0017"].set_comment_of_moves(module["0017"].REASONS)
    module["0018"].change_views()
