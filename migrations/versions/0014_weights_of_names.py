"""Weights of city names and their countries, by which suggestions are ordered."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

INDEX = "ix_city_names_suggestions"


# Nullable, as in 0013.
def upgrade() -> None:
    op.add_column(
        "city_names",
        sa.Column(
            "weight",
            sa.Integer(),
            server_default=sa.text("0"),
            comment="Population, times 10 for an official name, times 5 for a capital.",
        ),
    )
    op.add_column(
        "city_names",
        sa.Column("country_code", sa.CHAR(2), comment="Country of the city, ISO 3166-1 alpha-2."),
    )
    with op.get_context().autocommit_block():
        op.create_index(
            INDEX,
            "city_names",
            ["name_key", "city_id"],
            postgresql_include=["weight", "country_code", "official"],
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    op.drop_index(INDEX, "city_names")
    op.drop_column("city_names", "country_code")
    op.drop_column("city_names", "weight")
