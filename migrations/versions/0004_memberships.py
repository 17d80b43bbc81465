"""Table of users with their rooms."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "memberships",
        sa.Column("user_id", sa.Text(), nullable=False, comment="The app's id of the user."),
        sa.Column(
            "city_id",
            sa.BigInteger(),
            nullable=False,
            comment="The town the user said, also when a hub's room took them.",
        ),
        sa.Column("room_id", sa.BigInteger(), nullable=False, comment="The room the user is in."),
        sa.Column(
            "previous_room_id",
            sa.BigInteger(),
            nullable=True,
            comment="The room before this one, which may be gone; null: this is the first.",
        ),
        sa.Column(
            "interests",
            sa.ARRAY(sa.Text()),
            nullable=False,
            comment="Keys of the interests ticked, each once, in code point order.",
        ),
        sa.Column(
            "model_id", sa.Text(), nullable=False, comment="The model that last placed the user."
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When the user was first placed.",
        ),
        sa.Column(
            "joined_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When the user came into this room.",
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When the row last changed.",
        ),
        sa.ForeignKeyConstraint(["city_id"], ["cities.id"], name="fk_memberships_city_id_cities"),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name="fk_memberships_model_id_models"),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="fk_memberships_room_id_rooms"),
        sa.PrimaryKeyConstraint("user_id", name="pk_memberships"),
        comment="Users: the room each is in, with the city and the interests they gave.",
    )
    op.create_index("ix_memberships_room_id", "memberships", ["room_id"])


def downgrade() -> None:
    op.drop_table("memberships")
