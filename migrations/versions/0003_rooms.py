"""Tables of rooms and of redirects from closed rooms."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "rooms",
        sa.Column(
            "id",
            sa.BigInteger(),
            sa.Identity(always=False),
            nullable=False,
            comment="Number of the room; never used again.",
        ),
        sa.Column(
            "city_id",
            sa.BigInteger(),
            nullable=False,
            comment="The city; for gathered towns their hub.",
        ),
        sa.Column(
            "cluster_id",
            sa.SmallInteger(),
            nullable=False,
            comment="The cluster its members belong to.",
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When its first member came.",
        ),
        sa.ForeignKeyConstraint(["city_id"], ["cities.id"], name="fk_rooms_city_id_cities"),
        sa.ForeignKeyConstraint(
            ["cluster_id"], ["clusters.id"], name="fk_rooms_cluster_id_clusters"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rooms"),
        sa.UniqueConstraint("city_id", "cluster_id", name="uq_rooms_city_id_cluster_id"),
        comment="Chat rooms: exactly one for each pair of city and cluster.",
    )
    op.create_index("ix_rooms_cluster_id", "rooms", ["cluster_id"])
    op.create_table(
        "room_redirects",
        sa.Column(
            "id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="Number of the room that is gone.",
        ),
        sa.Column(
            "city_id", sa.BigInteger(), nullable=False, comment="The city it was the room of."
        ),
        sa.Column(
            "cluster_id",
            sa.SmallInteger(),
            nullable=False,
            comment="The cluster it was the room of.",
        ),
        sa.Column(
            "room_id",
            sa.BigInteger(),
            nullable=False,
            comment="The room that took it in; never itself a gone one.",
        ),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When it was taken in.",
        ),
        sa.ForeignKeyConstraint(
            ["city_id"], ["cities.id"], name="fk_room_redirects_city_id_cities"
        ),
        sa.ForeignKeyConstraint(
            ["cluster_id"], ["clusters.id"], name="fk_room_redirects_cluster_id_clusters"
        ),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="fk_room_redirects_room_id_rooms"),
        sa.PrimaryKeyConstraint("id", name="pk_room_redirects"),
        comment="Rooms that are gone, each with the room that took its members in.",
    )
    op.create_index("ix_room_redirects_city_id", "room_redirects", ["city_id"])
    op.create_index("ix_room_redirects_room_id", "room_redirects", ["room_id"])


def downgrade() -> None:
    op.drop_table("room_redirects")
    op.drop_table("rooms")
