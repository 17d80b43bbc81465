"""Table of the loaded gazetteer version, and the index for misspelt names."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    # The extension is trusted since PostgreSQL 13, so the database's owner may create it.
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.create_index(
        "ix_city_names_typos",
        "city_names",
        ["name_key"],
        postgresql_using="gin",
        postgresql_ops={"name_key": "gin_trgm_ops"},
        postgresql_where=sa.text("char_length(name_key) >= 7"),
    )
    op.create_table(
        "gazetteer",
        sa.Column(
            "id", sa.SmallInteger(), autoincrement=False, nullable=False, comment="1: the one row."
        ),
        sa.Column(
            "fingerprint",
            sa.Text(),
            nullable=False,
            comment="Versions of the data and of the code that folds names.",
        ),
        sa.Column("cities", sa.Integer(), nullable=False, comment="Listed cities loaded."),
        sa.Column("names", sa.Integer(), nullable=False, comment="Names loaded."),
        sa.Column(
            "loaded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When.",
        ),
        sa.CheckConstraint("id = 1", name="ck_gazetteer_one_row"),
        sa.PrimaryKeyConstraint("id", name="pk_gazetteer"),
        comment="Which place data the cities come from: one row.",
    )


def downgrade() -> None:
    op.drop_table("gazetteer")
    op.drop_index("ix_city_names_typos", "city_names")
    op.execute("DROP EXTENSION pg_trgm")
