"""Indexes of areas, suggestions and members, built while the service runs.

A revision of its own, because each statement is committed by itself: if one fails, the next run
begins again with the first.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

KEY = ["name_key", "country_code", "admin1"]
# Two areas of one region may share a name: the province and the region Murcia.
AREAS = {
    "index_name": "uq_place_names_of_areas",
    "table_name": "place_names",
    "columns": [*KEY, "area"],
    "unique": True,
    "postgresql_nulls_not_distinct": True,
}
SUGGESTIONS = {
    "index_name": "ix_city_names_suggestions",
    "table_name": "city_names",
    "columns": ["name_key", "city_id"],
    "postgresql_include": ["weight", "country_code", "official"],
}
AREA_CODES = {
    "index_name": "uq_cities_area_code",
    "table_name": "cities",
    "columns": ["area_code"],
    "unique": True,
}
NAMES_OF_AREAS = {
    "index_name": "ix_place_names_area",
    "table_name": "place_names",
    "columns": ["area"],
}
MEMBERS_OF_ROOMS = {
    "index_name": "ix_memberships_room_id_user_id",
    "table_name": "memberships",
    "columns": ["room_id", "user_id"],
}
MEMBERS_OF_TYPED_PLACES = {
    "index_name": "ix_memberships_unlisted",
    "table_name": "memberships",
    "columns": ["city_id"],
    "postgresql_where": sa.text("city_id >= 1000000000001"),
}
MEMBERS_OF_MERGED_CITIES = {
    "index_name": "ix_memberships_said_city_id",
    "table_name": "memberships",
    "columns": ["said_city_id"],
    "postgresql_where": sa.text("said_city_id IS NOT NULL"),
}
INDEXES = (
    AREAS,
    SUGGESTIONS,
    AREA_CODES,
    NAMES_OF_AREAS,
    MEMBERS_OF_ROOMS,
    MEMBERS_OF_TYPED_PLACES,
    MEMBERS_OF_MERGED_CITIES,
)


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # It waits for all transactions that are open, and nobody waits for it meanwhile.
        op.execute("SET lock_timeout = 0")
        for index in INDEXES:
            # A statement that failed leaves an index that is not valid.
            op.drop_index(
                index["index_name"],
                index["table_name"],
                if_exists=True,
                postgresql_concurrently=True,
            )
            op.create_index(**index, postgresql_concurrently=True)
        op.drop_index("uq_place_names", "place_names", if_exists=True, postgresql_concurrently=True)
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    # The loader of the release before fills the table again.
    op.execute("DELETE FROM place_names")
    op.execute("DELETE FROM gazetteer")
    op.create_index(
        "uq_place_names", "place_names", KEY, unique=True, postgresql_nulls_not_distinct=True
    )
    for index in INDEXES:
        op.drop_index(index["index_name"], index["table_name"])
