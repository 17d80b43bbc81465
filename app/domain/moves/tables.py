"""The table of moves that the app did not request."""

from datetime import datetime

from sqlalchemy import ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.orm import Model


class RoomChange(Model):
    """A move that the app did not ask for; the app reads them in the order of their ids."""

    __tablename__ = "room_changes"
    __table_args__ = (
        Index("ix_room_changes_user_id", "user_id"),
        Index("ix_room_changes_at", "at"),
        {"comment": "Moves that the app did not request, in commit order; kept for 30 days."},
    )

    # CACHE 1 (the default, stated because the order rests on it): a session that kept numbers in
    # reserve would hand out an id below one that a reader's cursor has passed.
    id: Mapped[int] = mapped_column(
        Identity(cache=1), primary_key=True, comment="Id in commit order; the cursor of a reader."
    )
    user_id: Mapped[str] = mapped_column(comment="The app's id of the user who was moved.")
    from_room: Mapped[int] = mapped_column(comment="Previous room, which may no longer exist.")
    to_room: Mapped[int] = mapped_column(comment="New room.")
    reason: Mapped[str] = mapped_column(
        comment="merge, unmerge, gather, release, reassign or import."
    )
    run_id: Mapped[int | None] = mapped_column(
        ForeignKey("admin_runs.id"), comment="Run of the command that moved the user."
    )
    at: Mapped[datetime] = mapped_column(server_default=text("now()"), comment="Time of the move.")
