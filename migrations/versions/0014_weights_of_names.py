"""Weights of city names and their countries, by which suggestions are ordered."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


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


def downgrade() -> None:
    op.drop_column("city_names", "country_code")
    op.drop_column("city_names", "weight")
