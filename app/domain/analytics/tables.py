"""Tables that only the views of the schema `analytics` read."""

from sqlalchemy import CheckConstraint, Integer, SmallInteger
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
