"""Rooms, and where the rooms that are gone led to."""

from datetime import datetime

from sqlalchemy import ForeignKey, Identity, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.database import Model


class Room(Model):
    """The one chat room of a (city, cluster) pair."""

    __tablename__ = "rooms"
    __table_args__ = (
        # The rule that find-or-create rests on: under any race one room a pair.
        UniqueConstraint("city_id", "cluster_id"),
        Index("ix_rooms_cluster_id", "cluster_id"),
        {"comment": "Chat rooms: exactly one for each pair of city and cluster."},
    )

    id: Mapped[int] = mapped_column(
        Identity(), primary_key=True, comment="Number of the room; never used again."
    )
    city_id: Mapped[int] = mapped_column(
        ForeignKey("cities.id"), comment="The city; for gathered towns their hub."
    )
    cluster_id: Mapped[int] = mapped_column(
        SmallInteger, ForeignKey("clusters.id"), comment="The cluster its members belong to."
    )
    created_at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), comment="When its first member came."
    )


class RoomRedirect(Model):
    """A room that was merged or gathered away, and the room that took it in."""

    __tablename__ = "room_redirects"
    __table_args__ = (
        Index("ix_room_redirects_room_id", "room_id"),
        Index("ix_room_redirects_city_id", "city_id"),
        {"comment": "Rooms that are gone, each with the room that took its members in."},
    )

    id: Mapped[int] = mapped_column(
        primary_key=True, autoincrement=False, comment="Number of the room that is gone."
    )
    city_id: Mapped[int] = mapped_column(
        ForeignKey("cities.id"), comment="The city it was the room of."
    )
    cluster_id: Mapped[int] = mapped_column(
        SmallInteger, ForeignKey("clusters.id"), comment="The cluster it was the room of."
    )
    room_id: Mapped[int] = mapped_column(
        ForeignKey("rooms.id"), comment="The room that took it in; never itself a gone one."
    )
    at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), comment="When it was taken in."
    )
