"""Columns that tell which area a place name means, and the rectangle around an island."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

NAMES = "Names of countries, regions and islands, which people add to a city's name."
NAMES_BEFORE = "Names of countries and regions, which may follow a city's name and a comma."
COLUMNS = {
    "area": (sa.Text(), "Identifies the area that has this name; equal for all its names."),
    "name": (sa.Text(), "Name as written."),
    "population": (
        sa.BigInteger(),
        "People of the country's or region's listed cities; null: another area.",
    ),
    "south": (sa.Float(53), "Southern edge of the rectangle around an island; null: no island."),
    "west": (sa.Float(53), "Its western edge."),
    "north": (sa.Float(53), "Its northern edge."),
    "east": (sa.Float(53), "Its eastern edge."),
}


# Nullable, because the loader of the release before stages its rows in tables like this one, which
# have a NOT NULL but not the default.
def upgrade() -> None:
    for column, (type_, comment) in COLUMNS.items():
        op.add_column("place_names", sa.Column(column, type_, comment=comment))
    op.add_column(
        "place_names",
        sa.Column(
            "is_code",
            sa.Boolean(),
            server_default=sa.text("false"),
            comment="True: a code such as ES or SE. False: a name.",
        ),
    )
    op.create_table_comment("place_names", NAMES, existing_comment=NAMES_BEFORE)


def downgrade() -> None:
    for column in (*COLUMNS, "is_code"):
        op.drop_column("place_names", column)
    op.create_table_comment("place_names", NAMES_BEFORE, existing_comment=NAMES)
