"""The table of users, each with the room they are in, and two small ones beside it."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from app.domain.cities.tables import FIRST_UNLISTED_ID
from app.infra.orm import Model


class Membership(Model):
    """A user's place: a user is in at most one room.

    Only ever addressed by user_id or aggregated by room, and written without reading: so it can be
    distributed over machines by user_id, unchanged.
    """

    __tablename__ = "memberships"
    __table_args__ = (
        # Members are counted by this one, a tenth of the size of the next, and listed by that one.
        Index("ix_memberships_room_id", "room_id"),
        Index("ix_memberships_room_id_user_id", "room_id", "user_id"),
        # A typed place is removed with its last member, and the foreign key's check must not read
        # the whole table. Few members are in one, so joins elsewhere do not write this index.
        Index(
            "ix_memberships_unlisted",
            "city_id",
            postgresql_where=text(f"city_id >= {FIRST_UNLISTED_ID}"),
        ),
        Index(
            "ix_memberships_said_city_id",
            "said_city_id",
            postgresql_where=text("said_city_id IS NOT NULL"),
        ),
        {"comment": "Users with their room, city and interests."},
    )

    user_id: Mapped[str] = mapped_column(primary_key=True, comment="The app's id of the user.")
    city_id: Mapped[int] = mapped_column(
        ForeignKey("cities.id"), comment="City given by the user, also if the room is its hub's."
    )
    room_id: Mapped[int] = mapped_column(ForeignKey("rooms.id"), comment="Current room.")
    # No foreign key: joins would check it, and the merged city may be gone.
    said_city_id: Mapped[int | None] = mapped_column(
        comment="City that the user gave, if it was merged into city_id; null: city_id."
    )
    # No foreign key: the room it names may be gone.
    previous_room_id: Mapped[int | None] = mapped_column(
        comment="Previous room, which may no longer exist; null: the first room."
    )
    interests: Mapped[list[str]] = mapped_column(
        comment="Keys of the selected interests, each once, in code point order."
    )
    model_id: Mapped[str] = mapped_column(
        ForeignKey("models.id"), comment="Model that last assigned the user."
    )
    created_at: Mapped[datetime] = mapped_column(comment="Time of the user's first join.")
    joined_at: Mapped[datetime] = mapped_column(comment="Time of joining the current room.")
    updated_at: Mapped[datetime] = mapped_column(comment="Time of the row's last change.")


class Deletion(Model):
    """How many users were erased; nothing else is kept of them."""

    __tablename__ = "deletions"
    __table_args__ = ({"comment": "Numbers of erased users, without their ids."},)

    deleted_month: Mapped[date] = mapped_column(
        primary_key=True, comment="First day of the month of the erasure, UTC."
    )
    joined_month: Mapped[date] = mapped_column(
        primary_key=True, comment="First day of the month of the first join, UTC."
    )
    country: Mapped[str] = mapped_column(
        primary_key=True, comment="Country of their city, ISO 3166-1 alpha-2; or 'unknown'."
    )
    cluster_id: Mapped[int] = mapped_column(
        SmallInteger, primary_key=True, autoincrement=False, comment="Cluster of their room."
    )
    members: Mapped[int] = mapped_column(comment="Number of erased users.")
    demo_members: Mapped[int] = mapped_column(
        server_default=text("0"), comment="Those of them whom `manage.py demo` made up."
    )


class JoinSettings(Model):
    """How users are written. Of the database, because it must be the same for all processes."""

    __tablename__ = "join_settings"
    __table_args__ = (
        CheckConstraint("id = 1", name="one_row"),
        {"comment": "How users are written; one row, or none for the defaults."},
    )

    id: Mapped[int] = mapped_column(
        SmallInteger, primary_key=True, autoincrement=False, comment="Always 1."
    )
    is_grouped: Mapped[bool] = mapped_column(
        comment="Whether concurrent joins are written in one statement."
    )
