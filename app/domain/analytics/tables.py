"""Tables that only the views of the schema `analytics` read."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Integer, SmallInteger
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.orm import Model


class AnalyticsSettings(Model):
    """The smallest group that the views show. Each release writes it; analysts cannot read it."""

    __tablename__ = "analytics_settings"
    __table_args__ = (
        CheckConstraint("id = 1", name="one_row"),
        {"comment": "Privacy settings of the views in the schema analytics; one row."},
    )

    id: Mapped[int] = mapped_column(
        SmallInteger, primary_key=True, autoincrement=False, comment="Always 1."
    )
    min_group: Mapped[int] = mapped_column(
        Integer, comment="Smallest group that is shown; counts are rounded to its multiples."
    )


class Interest(Model):
    """An interest's names, written by each release."""

    __tablename__ = "interests"
    __table_args__ = ({"comment": "Interests that users can select, with their names."},)

    key: Mapped[str] = mapped_column(primary_key=True, comment="Key of the interest, as stored.")
    interest_group: Mapped[str] = mapped_column(comment="sport, culture, food or leisure.")
    label_es: Mapped[str] = mapped_column(comment="Name in Spanish.")
    label_en: Mapped[str] = mapped_column(comment="Name in English.")


class Publication(Model):
    """A time at which figures were published. See app/domain/analytics/publication.py."""

    __tablename__ = "publications"
    __table_args__ = ({"comment": "Publications of the figures that analysts see."},)

    until: Mapped[date] = mapped_column(
        primary_key=True, comment="The first day, in UTC, that was not counted."
    )
    min_group: Mapped[int] = mapped_column(
        Integer, comment="Smallest group that was shown at that time."
    )
    published_at: Mapped[datetime] = mapped_column(comment="Time of the publication.")


class Published(Model):
    """A row of a view of the schema `analytics`, as published."""

    __tablename__ = "published"
    __table_args__ = ({"comment": "Published figures: one row for each row of an analysts' view."},)

    view: Mapped[str] = mapped_column(primary_key=True, comment="Name of the view.")
    key: Mapped[str] = mapped_column(primary_key=True, comment="Key of the group in the view.")
    size: Mapped[int] = mapped_column(
        comment="Exact number of people when the row was published; no view shows it."
    )
    cells: Mapped[dict[str, Any]] = mapped_column(
        JSONB, comment="The view's cells, with rounded counts."
    )
