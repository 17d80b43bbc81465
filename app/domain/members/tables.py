"""The table of users, each with the room they are in."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.database import Model


class Membership(Model):
    """A user's place: a user is in at most one room.

    Only ever addressed by user_id or aggregated by room, and written without reading: so it can be
    distributed over machines by user_id, unchanged.
    """

    __tablename__ = "memberships"
    __table_args__ = (
        Index("ix_memberships_room_id", "room_id"),
        {"comment": "Users: the room each is in, with the city and the interests they gave."},
    )

    user_id: Mapped[str] = mapped_column(primary_key=True, comment="The app's id of the user.")
    city_id: Mapped[int] = mapped_column(
        ForeignKey("cities.id"), comment="The town the user said, also when a hub's room took them."
    )
    room_id: Mapped[int] = mapped_column(ForeignKey("rooms.id"), comment="The room the user is in.")
    # No foreign key: the room it names may be gone.
    previous_room_id: Mapped[int | None] = mapped_column(
        comment="The room before this one, which may be gone; null: this is the first."
    )
    interests: Mapped[list[str]] = mapped_column(
        comment="Keys of the interests ticked, each once, in code point order."
    )
    model_id: Mapped[str] = mapped_column(
        ForeignKey("models.id"), comment="The model that last placed the user."
    )
    created_at: Mapped[datetime] = mapped_column(comment="When the user was first placed.")
    joined_at: Mapped[datetime] = mapped_column(comment="When the user came into this room.")
    updated_at: Mapped[datetime] = mapped_column(comment="When the row last changed.")
