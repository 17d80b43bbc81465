"""Tables of cities, their names, and the names of countries and regions."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "cities",
        sa.Column(
            "id",
            sa.BigInteger(),
            sa.Identity(always=False, start=1000000000001, minvalue=1000000000001),
            nullable=False,
            comment="GeoNames id; unlisted cities are numbered from 1,000,000,000,001.",
        ),
        sa.Column(
            "name", sa.Text(), nullable=False, comment="Official name, or the name as first typed."
        ),
        sa.Column(
            "name_key",
            sa.Text(collation="C"),
            nullable=False,
            comment="The name folded: what two spellings share.",
        ),
        sa.Column(
            "country_code",
            sa.CHAR(length=2),
            nullable=True,
            comment="ISO 3166-1 alpha-2 (XK for Kosovo); null: an unlisted city without one.",
        ),
        sa.Column(
            "admin1", sa.Text(), nullable=True, comment="GeoNames first-level division code."
        ),
        sa.Column(
            "region",
            sa.Text(),
            nullable=True,
            comment="Name of the region, where its code is understood.",
        ),
        sa.Column("latitude", sa.Float(53), nullable=True, comment="Degrees north, WGS 84."),
        sa.Column("longitude", sa.Float(53), nullable=True, comment="Degrees east, WGS 84."),
        sa.Column("population", sa.Integer(), nullable=True, comment="People, by GeoNames."),
        sa.Column("timezone", sa.Text(), nullable=True, comment="IANA time zone."),
        sa.Column(
            "is_capital",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="True: the capital of its country.",
        ),
        sa.Column(
            "listed",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="True: in GeoNames. False: typed by a user.",
        ),
        sa.Column(
            "merged_into",
            sa.BigInteger(),
            nullable=True,
            comment="The city this one turned out to be, for ever; never itself a merged one.",
        ),
        sa.Column(
            "hub_id",
            sa.BigInteger(),
            nullable=True,
            comment="The city whose rooms this small town shares for now; never itself gathered.",
        ),
        sa.ForeignKeyConstraint(["hub_id"], ["cities.id"], name="fk_cities_hub_id_cities"),
        sa.ForeignKeyConstraint(
            ["merged_into"], ["cities.id"], name="fk_cities_merged_into_cities"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_cities"),
        comment="Places: a GeoNames city of 5,000 people and more, or one that a user typed.",
    )
    op.create_index(
        "ix_cities_hub_id", "cities", ["hub_id"], postgresql_where=sa.text("hub_id IS NOT NULL")
    )
    op.create_index(
        "ix_cities_merged_into",
        "cities",
        ["merged_into"],
        postgresql_where=sa.text("merged_into IS NOT NULL"),
    )
    op.create_index(
        "uq_cities_unlisted",
        "cities",
        ["name_key", "country_code"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("NOT listed"),
    )
    op.create_table(
        "city_names",
        sa.Column("name_key", sa.Text(collation="C"), nullable=False, comment="The name folded."),
        sa.Column(
            "city_id", sa.BigInteger(), nullable=False, comment="The city that bears the name."
        ),
        sa.Column(
            "official",
            sa.Boolean(),
            nullable=False,
            comment="True: the official name, or one half of a bilingual one.",
        ),
        sa.Column(
            "name",
            sa.Text(),
            server_default=sa.text("''"),
            nullable=False,
            comment="The name as people write it.",
        ),
        sa.Column(
            "population",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="The city's population: the order of suggestions.",
        ),
        sa.ForeignKeyConstraint(["city_id"], ["cities.id"], name="fk_city_names_city_id_cities"),
        sa.PrimaryKeyConstraint(
            "name_key",
            "city_id",
            name="pk_city_names",
            postgresql_include=["population", "official"],
        ),
        comment="All names of all listed cities, folded: what a typed name is looked up in.",
    )
    op.create_index("ix_city_names_city_id", "city_names", ["city_id"])
    op.create_table(
        "place_names",
        sa.Column(
            "id",
            sa.BigInteger(),
            sa.Identity(always=False),
            nullable=False,
            comment="Number of the row.",
        ),
        sa.Column("name_key", sa.Text(collation="C"), nullable=False, comment="The name folded."),
        sa.Column("country_code", sa.CHAR(length=2), nullable=False, comment="ISO 3166-1 alpha-2."),
        sa.Column(
            "admin1",
            sa.Text(),
            nullable=True,
            comment="GeoNames first-level division code; null: the country, or none known.",
        ),
        sa.Column(
            "is_country",
            sa.Boolean(),
            nullable=False,
            comment="True: a country. False: a region.",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_place_names"),
        comment="Names of countries and regions, folded: what may follow a city and a comma.",
    )
    op.create_index(
        "uq_place_names",
        "place_names",
        ["name_key", "country_code", "admin1"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )


def downgrade() -> None:
    op.drop_table("place_names")
    op.drop_table("city_names")
    op.drop_table("cities")
