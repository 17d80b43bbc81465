"""What the views of the schema `analytics` stand on beside everybody's tables."""

from sqlalchemy import CheckConstraint, Integer, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.database import Model


class AnalyticsSettings(Model):
    """How small a group the views may show. A release writes it; no analyst may read it."""

    __tablename__ = "analytics_settings"
    __table_args__ = (
        CheckConstraint("id = 1", name="one_row"),
        {"comment": "How the views of the schema analytics keep people apart: one row."},
    )

    id: Mapped[int] = mapped_column(
        SmallInteger, primary_key=True, autoincrement=False, comment="1: the one row."
    )
    min_group: Mapped[int] = mapped_column(
        Integer, comment="People that a group must have to be shown; counts are rounded to it."
    )


class Interest(Model):
    """An interest's names. A release writes them."""

    __tablename__ = "interests"
    __table_args__ = ({"comment": "Interests that people can tick, and what they are called."},)

    key: Mapped[str] = mapped_column(primary_key=True, comment="Key of the interest, as stored.")
    interest_group: Mapped[str] = mapped_column(comment="sport, culture, food or leisure.")
    label_es: Mapped[str] = mapped_column(comment="Name in Spanish.")
    label_en: Mapped[str] = mapped_column(comment="Name in English.")
