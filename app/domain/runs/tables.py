"""What admins did, for whoever asks afterwards."""

from datetime import datetime
from typing import Any

from sqlalchemy import Identity, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.database import Model


class AdminRun(Model):
    """One run of a command that changes something. Holds no user id."""

    __tablename__ = "admin_runs"
    __table_args__ = {"comment": "Commands that changed something: who, when, what came of it."}

    id: Mapped[int] = mapped_column(Identity(), primary_key=True, comment="Number of the run.")
    command: Mapped[str] = mapped_column(comment="The command, such as 'cities merge'.")
    arguments: Mapped[dict[str, Any]] = mapped_column(
        JSONB, comment="Its arguments, without user ids."
    )
    by: Mapped[str] = mapped_column(comment="The system's user who ran it.")
    started_at: Mapped[datetime] = mapped_column(server_default=text("now()"), comment="When.")
    finished_at: Mapped[datetime | None] = mapped_column(comment="When it ended; null: it did not.")
    counts: Mapped[dict[str, Any]] = mapped_column(
        JSONB, server_default=text("'{}'"), comment="People, rooms and cities touched."
    )
    status: Mapped[str] = mapped_column(
        server_default=text("'running'"), comment="running, done, interrupted or failed."
    )
