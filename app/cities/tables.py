"""Cities, and every name they are known by."""

from sqlalchemy import CHAR, Float, ForeignKey, Identity, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Model

# GeoNames ids stay below 2 * 10^7; ours begin far above, so that the two can never meet.
FIRST_UNLISTED_ID = 1_000_000_000_001


def name_key_column(comment: str, primary_key: bool = False) -> Mapped[str]:
    # COLLATE "C": prefix search uses the index whatever the database's own collation is.
    return mapped_column(Text(collation="C"), primary_key=primary_key, comment=comment)


class City(Model):
    """A GeoNames place, or an unlisted one that a user typed."""

    __tablename__ = "cities"
    __table_args__ = (
        # Without NULLS NOT DISTINCT, clients racing with a name and no country each make a city.
        Index(
            "uq_cities_unlisted",
            "name_key",
            "country_code",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("NOT listed"),
        ),
        Index(
            "ix_cities_merged_into", "merged_into", postgresql_where=text("merged_into IS NOT NULL")
        ),
        Index("ix_cities_hub_id", "hub_id", postgresql_where=text("hub_id IS NOT NULL")),
        {"comment": "Places: a GeoNames city of 5,000 people and more, or one that a user typed."},
    )

    id: Mapped[int] = mapped_column(
        Identity(always=False, start=FIRST_UNLISTED_ID, minvalue=FIRST_UNLISTED_ID),
        primary_key=True,
        comment="GeoNames id; unlisted cities are numbered from 1,000,000,000,001.",
    )
    name: Mapped[str] = mapped_column(comment="Official name, or the name as first typed.")
    name_key: Mapped[str] = name_key_column("The name folded: what two spellings share.")
    country_code: Mapped[str | None] = mapped_column(
        CHAR(2), comment="ISO 3166-1 alpha-2 (XK for Kosovo); null: an unlisted city without one."
    )
    admin1: Mapped[str | None] = mapped_column(comment="GeoNames first-level division code.")
    latitude: Mapped[float | None] = mapped_column(Float(53), comment="Degrees north, WGS 84.")
    longitude: Mapped[float | None] = mapped_column(Float(53), comment="Degrees east, WGS 84.")
    population: Mapped[int | None] = mapped_column(Integer, comment="People, by GeoNames.")
    timezone: Mapped[str | None] = mapped_column(comment="IANA time zone.")
    listed: Mapped[bool] = mapped_column(
        server_default=text("false"), comment="True: in GeoNames. False: typed by a user."
    )
    merged_into: Mapped[int | None] = mapped_column(
        ForeignKey("cities.id"),
        comment="The city this one turned out to be, for ever; never itself a merged one.",
    )
    hub_id: Mapped[int | None] = mapped_column(
        ForeignKey("cities.id"),
        comment="The city whose rooms this small town shares for now; never itself gathered.",
    )


class CityName(Model):
    """A name that a city is known by, folded."""

    __tablename__ = "city_names"
    __table_args__ = (
        Index("ix_city_names_city_id", "city_id"),
        {"comment": "All names of all listed cities, folded: what a typed name is looked up in."},
    )

    name_key: Mapped[str] = name_key_column("The name folded.", primary_key=True)
    city_id: Mapped[int] = mapped_column(
        ForeignKey("cities.id"), primary_key=True, comment="The city that bears the name."
    )
    official: Mapped[bool] = mapped_column(
        comment="True: the official name, or one half of a bilingual one."
    )


class PlaceName(Model):
    """A country's or region's name, for the part after the comma in 'Granada, España'."""

    __tablename__ = "place_names"
    __table_args__ = (
        # A country stands with no region, and a key must not hold a null.
        Index(
            "uq_place_names",
            "name_key",
            "country_code",
            "admin1",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        {"comment": "Names of countries and regions, folded: what may follow a city and a comma."},
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True, comment="Number of the row.")
    name_key: Mapped[str] = name_key_column("The name folded.")
    country_code: Mapped[str] = mapped_column(CHAR(2), comment="ISO 3166-1 alpha-2.")
    admin1: Mapped[str | None] = mapped_column(
        comment="GeoNames first-level division code; null: the whole country."
    )
