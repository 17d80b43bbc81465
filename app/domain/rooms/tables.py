"""Rooms, and where the rooms that are gone led to."""

from datetime import datetime

from sqlalchemy import ForeignKey, Identity, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.orm import Model


class Room(Model):
    """The one chat room of a (city, cluster) pair."""

    __tablename__ = "rooms"
    __table_args__ = (
        # The rule that find-or-create rests on: under any race one room a pair.
        UniqueConstraint("city_id", "cluster_id"),
        Index("ix_rooms_cluster_id", "cluster_id"),
        {"comment": "Chat rooms: exactly one for each pair of city and cluster."},
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True, comment="Room id; never reused.")
    city_id: Mapped[int] = mapped_column(
        ForeignKey("cities.id"), comment="City of the room: for gathered towns, their hub."
    )
    cluster_id: Mapped[int] = mapped_column(
        SmallInteger, ForeignKey("clusters.id"), comment="Cluster of the room."
    )
    created_at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), comment="Time of the first join."
    )


class RoomRedirect(Model):
    """A room that was merged or gathered away, and the room that took it in."""

    __tablename__ = "room_redirects"
    __table_args__ = (
        Index("ix_room_redirects_room_id", "room_id"),
        Index("ix_room_redirects_city_id", "city_id"),
        {"comment": "Redirects: closed rooms, each with the room that replaced it."},
    )

    id: Mapped[int] = mapped_column(
        primary_key=True, autoincrement=False, comment="Id of the closed room."
    )
    city_id: Mapped[int] = mapped_column(
        ForeignKey("cities.id"), comment="City of the closed room."
    )
    cluster_id: Mapped[int] = mapped_column(
        SmallInteger, ForeignKey("clusters.id"), comment="Cluster of the closed room."
    )
    room_id: Mapped[int] = mapped_column(
        ForeignKey("rooms.id"), comment="Room that replaced it; never a closed one itself."
    )
    at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), comment="Time at which the room was closed."
    )
