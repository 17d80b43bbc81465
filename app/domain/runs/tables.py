"""The table of commands that changed something."""

from datetime import datetime
from typing import Any

from sqlalchemy import Identity, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.orm import Model


class AdminRun(Model):
    """One run of a command that changes something. Holds no user id."""

    __tablename__ = "admin_runs"
    __table_args__ = {"comment": "Runs of commands that change data: user, time and result."}

    id: Mapped[int] = mapped_column(Identity(), primary_key=True, comment="Run id.")
    command: Mapped[str] = mapped_column(comment="The command, such as 'cities merge'.")
    arguments: Mapped[dict[str, Any]] = mapped_column(
        JSONB, comment="Arguments of the command, without user ids."
    )
    by: Mapped[str] = mapped_column(comment="Operating system user who ran it.")
    started_at: Mapped[datetime] = mapped_column(server_default=text("now()"), comment="Start.")
    finished_at: Mapped[datetime | None] = mapped_column(comment="End; null: not finished.")
    counts: Mapped[dict[str, Any]] = mapped_column(
        JSONB, server_default=text("'{}'"), comment="Numbers of people, rooms and cities changed."
    )
    status: Mapped[str] = mapped_column(
        server_default=text("'running'"), comment="running, done, interrupted or failed."
    )
