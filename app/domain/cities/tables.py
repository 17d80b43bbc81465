"""Cities, and every name they are known by."""

from datetime import datetime

from sqlalchemy import (
    CHAR,
    CheckConstraint,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.orm import Model

# GeoNames ids are below 2 * 10^7; unlisted cities start far above, so the two cannot collide.
FIRST_UNLISTED_ID = 1_000_000_000_001


def name_key_column(comment: str) -> Mapped[str]:
    # COLLATE "C": prefix search uses the index whatever the database's own collation is.
    return mapped_column(Text(collation="C"), comment=comment)


# Columns with a default that are nullable: the loader of an earlier release stages its rows in a
# table like this one, which has a NOT NULL but not the default.


class City(Model):
    """A GeoNames place, an unlisted one that a user typed, or an area that a user typed alone."""

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
        Index("uq_cities_area_code", "area_code", unique=True),
        {"comment": "Cities: GeoNames places of 5,000 people and more, and places typed by users."},
    )

    id: Mapped[int] = mapped_column(
        Identity(always=False, start=FIRST_UNLISTED_ID, minvalue=FIRST_UNLISTED_ID),
        primary_key=True,
        comment="GeoNames id; unlisted cities are numbered from 1,000,000,000,001.",
    )
    name: Mapped[str] = mapped_column(comment="Official name, or the name as first typed.")
    name_key: Mapped[str] = name_key_column("Folded name: without case, accents and punctuation.")
    country_code: Mapped[str | None] = mapped_column(
        CHAR(2), comment="ISO 3166-1 alpha-2 (XK for Kosovo); null: unlisted, without a country."
    )
    admin1: Mapped[str | None] = mapped_column(comment="GeoNames first-level division code.")
    region: Mapped[str | None] = mapped_column(comment="Name of the region; null: unknown.")
    latitude: Mapped[float | None] = mapped_column(Float(53), comment="Degrees north, WGS 84.")
    longitude: Mapped[float | None] = mapped_column(Float(53), comment="Degrees east, WGS 84.")
    population: Mapped[int | None] = mapped_column(Integer, comment="Population by GeoNames.")
    timezone: Mapped[str | None] = mapped_column(comment="IANA time zone.")
    is_capital: Mapped[bool] = mapped_column(
        server_default=text("false"), comment="True: the capital of its country."
    )
    listed: Mapped[bool] = mapped_column(
        server_default=text("false"), comment="True: in GeoNames. False: typed by a user."
    )
    merged_into: Mapped[int | None] = mapped_column(
        ForeignKey("cities.id"),
        comment="City into which this one was merged; never a merged city itself.",
    )
    merged_at: Mapped[datetime | None] = mapped_column(
        comment="Time of the merge; null: not merged, or before it was kept who said it."
    )
    hub_id: Mapped[int | None] = mapped_column(
        ForeignKey("cities.id"),
        comment="Hub whose rooms this gathered town uses; never a gathered town itself.",
    )
    kind: Mapped[str] = mapped_column(
        nullable=True,
        server_default=text("'city'"),
        comment="city; area: a country, region or island; placeless: people without a place.",
    )
    # An area's name_key is its code too: no folded name has its capital letters.
    area_code: Mapped[str | None] = mapped_column(
        comment="Code of the area, as in place_names, or PLACELESS; null: a city."
    )


class CityName(Model):
    """A name that a city is known by, folded."""

    __tablename__ = "city_names"
    __table_args__ = (
        Index("ix_city_names_city_id", "city_id"),
        PrimaryKeyConstraint("name_key", "city_id", postgresql_include=["population", "official"]),
        # Suggestions are ordered from this index alone, so that the table itself is not read.
        Index(
            "ix_city_names_suggestions",
            "name_key",
            "city_id",
            postgresql_include=["weight", "country_code", "official"],
        ),
        # Shorter names are found one edit away by spelling every edit out.
        Index(
            "ix_city_names_typos",
            "name_key",
            postgresql_using="gin",
            postgresql_ops={"name_key": "gin_trgm_ops"},
            postgresql_where=text("char_length(name_key) >= 7"),
        ),
        {"comment": "Names of all listed cities, in which typed names are looked up."},
    )

    name_key: Mapped[str] = name_key_column("Folded name.")
    city_id: Mapped[int] = mapped_column(ForeignKey("cities.id"), comment="City with this name.")
    official: Mapped[bool] = mapped_column(
        comment="True: the official name, or one half of a bilingual one."
    )
    name: Mapped[str] = mapped_column(server_default=text("''"), comment="Name as written.")
    population: Mapped[int] = mapped_column(
        Integer,
        server_default=text("0"),
        comment="Population of the city, by which suggestions are ordered.",
    )
    weight: Mapped[int] = mapped_column(
        Integer,
        nullable=True,
        server_default=text("0"),
        comment="Population, times 10 for an official name, times 5 for a capital.",
    )
    country_code: Mapped[str | None] = mapped_column(
        CHAR(2), comment="Country of the city, ISO 3166-1 alpha-2."
    )


class PlaceName(Model):
    """A name or code of a country, region or island, such as España in 'Granada, España'."""

    __tablename__ = "place_names"
    __table_args__ = (
        # A country has no region, and a unique key cannot contain a null by default.
        Index(
            "uq_place_names_of_areas",
            "name_key",
            "country_code",
            "admin1",
            "area",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_place_names_area", "area"),
        {"comment": "Names of countries, regions and islands, which people add to a city's name."},
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True, comment="Row id.")
    name_key: Mapped[str] = name_key_column("Folded name.")
    country_code: Mapped[str] = mapped_column(CHAR(2), comment="ISO 3166-1 alpha-2.")
    admin1: Mapped[str | None] = mapped_column(
        comment="GeoNames first-level division code; null: a country, or an unknown code."
    )
    is_country: Mapped[bool] = mapped_column(comment="True: a country. False: a region.")
    area: Mapped[str | None] = mapped_column(
        comment="Identifies the area that has this name; equal for all its names."
    )
    name: Mapped[str | None] = mapped_column(comment="Name as written.")
    is_code: Mapped[bool] = mapped_column(
        nullable=True,
        server_default=text("false"),
        comment="True: a code such as ES or SE. False: a name.",
    )
    population: Mapped[int | None] = mapped_column(
        comment="People of the country's or region's listed cities; null: another area."
    )
    south: Mapped[float | None] = mapped_column(
        Float(53), comment="Southern edge of the rectangle around an island; null: no island."
    )
    west: Mapped[float | None] = mapped_column(Float(53), comment="Its western edge.")
    north: Mapped[float | None] = mapped_column(Float(53), comment="Its northern edge.")
    east: Mapped[float | None] = mapped_column(Float(53), comment="Its eastern edge.")


class Gazetteer(Model):
    """Which data the listed cities come from: one row."""

    __tablename__ = "gazetteer"
    __table_args__ = (
        CheckConstraint("id = 1", name="one_row"),
        {"comment": "Version of the loaded gazetteer; one row."},
    )

    id: Mapped[int] = mapped_column(
        SmallInteger, primary_key=True, autoincrement=False, comment="Always 1."
    )
    fingerprint: Mapped[str] = mapped_column(
        comment="Versions of the data sources, and a hash of the code that reads them."
    )
    cities: Mapped[int] = mapped_column(Integer, comment="Number of listed cities.")
    names: Mapped[int] = mapped_column(Integer, comment="Number of names.")
    loaded_at: Mapped[datetime] = mapped_column(server_default=text("now()"), comment="Load time.")
