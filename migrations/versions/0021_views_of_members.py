"""Views for analysts: published figures of rooms, cities and interests."""

from alembic import op

revision = "0021"
down_revision = "0020"

# A view's column: its name, the type of a stored cell or "= expression", and its comment.
Column = tuple[str, str, str]
OTHER = "Smaller groups are summed in rows with is_other."
IS_OTHER = "True: this row sums groups that are too small to be shown one by one."
MEMBERS = "People; rounded; null: too few."
COUNTRY = (
    "country",
    "= CASE WHEN city.id IS NULL THEN coalesce(stored.country, 'other')"
    " ELSE coalesce(city.country_code::text, 'unknown') END",
    "Country, ISO 3166-1 alpha-2; or 'other', or 'unknown'.",
)
CITY: list[Column] = [
    ("city_id", "bigint", "City id, for joining with cities; null: a row with is_other."),
    (
        "city",
        "= coalesce(city.name, stored.city, 'other')",
        "Name, as typed if it is unlisted; or 'other'.",
    ),
    (
        "region",
        "= CASE WHEN city.id IS NULL THEN stored.region ELSE city.region END",
        "Region, where it is known; null in a row with is_other: several.",
    ),
    COUNTRY,
    ("is_other", "= stored.city_id IS NULL", IS_OTHER),
    (
        "kind",
        "= coalesce(city.kind, stored.kind)",
        "city; area: a country, region or island given instead of a city; placeless: no place.",
    ),
]


def join_city(name: str = "city", city_id: str = "stored.city_id") -> str:
    # OFFSET keeps the planner from reading the whole table: EXPLAIN ANALYZE would count its rows,
    # and each place that somebody types is one.
    return f"""
        LEFT JOIN LATERAL (
            SELECT id, name, region, country_code, kind, listed, hub_id, latitude, longitude,
                   population
            FROM public.cities WHERE id = {city_id} OFFSET 0
        ) AS {name} ON true
    """


CITY_CELLS = {"city": "text", "region": "text", "country": "text", "kind": "text"}
INTEREST: list[Column] = [
    ("interest", "= liked.key", "Key of the interest, as in the API."),
    ("interest_en", "= coalesce(interest.label_en, liked.key)", "Its name in English, or its key."),
    ("interest_es", "= coalesce(interest.label_es, liked.key)", "Its name in Spanish, or its key."),
    (
        "interest_group",
        "= coalesce(interest.interest_group, 'unknown')",
        "sport, culture, food or leisure; unknown: no model knows the interest.",
    ),
]
LIKES = {"likes": "jsonb"}
JOIN_INTERESTS = """
    CROSS JOIN LATERAL jsonb_each_text(stored.likes) AS liked (key, number)
    LEFT JOIN public.interests AS interest ON interest.key = liked.key
"""
REPEATED = "The same on each row of one group: do not sum it."
NOT_ADDED = "One person has several interests: rows do not add up."


def liked(name: str, who: str) -> Column:
    return (name, "= liked.number::bigint", f"{who} who selected it; rounded.")


def cluster(prefix: str = "", what: str = "cluster") -> list[Column]:
    """Return the columns of a cluster; the view joins public.clusters under their first name."""
    name = f"{prefix}cluster"
    return [
        (name, "smallint", f"Number of the {what}; null: several."),
        (
            f"{name}_en",
            f"= coalesce({name}.label_en, 'other')",
            f"The {what}'s label in English; or 'other'.",
        ),
        (
            f"{name}_es",
            f"= coalesce({name}.label_es, 'otros')",
            f"The {what}'s label in Spanish; or 'otros'.",
        ),
    ]


def join_cluster(name: str = "cluster") -> str:
    return f"LEFT JOIN public.clusters AS {name} ON {name}.id = stored.{name}"


def create_view(
    name: str,
    comment: str,
    columns: list[Column],
    joins: str = "",
    order: str = "",
    hidden: dict[str, str] | None = None,
    condition: str = "true",
) -> None:
    """Create a view of published figures; `hidden`: cells that are read and not shown."""
    cells = {column: kind for column, kind, _ in columns if not kind.startswith("=")}
    types = ", ".join(f"{cell} {kind}" for cell, kind in {**cells, **(hidden or {})}.items())
    create_plain_view(
        name,
        comment,
        [
            (column, kind if kind.startswith("=") else f"= stored.{column}", about)
            for column, kind, about in columns
        ],
        f"""FROM public.published
            CROSS JOIN LATERAL jsonb_to_record(published.cells) AS stored ({types})
            {joins}
            WHERE published.view = '{name}' AND {condition}
            ORDER BY {order or "1, 2"}""",
    )


def create_plain_view(name: str, comment: str, columns: list[Column], source: str) -> None:
    selected = ", ".join(f"{kind.removeprefix('= ')} AS {column}" for column, kind, _ in columns)
    op.execute(
        f"CREATE VIEW analytics.{name} WITH (security_barrier) AS SELECT {selected} {source}"
    )
    op.execute(f"COMMENT ON VIEW analytics.{name} IS {quoted(comment)}")
    for column, _, about in columns:
        op.execute(f"COMMENT ON COLUMN analytics.{name}.{column} IS {quoted(about)}")


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def upgrade() -> None:
    create_views_of_places()
    create_views_of_interests()


VIEWS = (
    "mover_interests",
    "interests",
    "city_interests",
    "cities",
    "rooms",
)


def create_views_of_places() -> None:
    create_view(
        "rooms",
        f"Rooms with their present members. {OTHER} members adds up.",
        [
            ("room_id", "bigint", "Room id, as in the API; null: a row with is_other."),
            *CITY,
            *cluster(),
            ("members", "bigint", MEMBERS),
            (
                "opened_month",
                "date",
                "First day of the month of the first join, UTC; null: a row with is_other.",
            ),
            (
                "lively_month",
                "date",
                "First day of the month in which so many of its present members were in it as a"
                " group needs to be shown; null: a row with is_other.",
            ),
        ],
        f"{join_city()} {join_cluster()}",
        "members DESC, country, city, cluster",
        CITY_CELLS,
    )
    create_view(
        "cities",
        "Places with the people who gave them as their city, and the people in their rooms."
        f" {OTHER} members_from_here adds up, and so does members_in_rooms.",
        [
            *CITY,
            (
                "is_listed",
                "= coalesce(city.listed, stored.is_listed)",
                "True: listed in the gazetteer. False: typed by a user.",
            ),
            (
                "is_gathered",
                "= CASE WHEN city.id IS NULL THEN stored.is_gathered"
                " ELSE city.hub_id IS NOT NULL END",
                "True: a small town that uses the rooms of its hub.",
            ),
            ("hub", "= hub.name", "Name of the hub; null: not gathered, or a row with is_other."),
            (
                "km_to_hub",
                "integer",
                "Kilometres to the hub; in a row with is_other, the mean over its people.",
            ),
            ("latitude", "= city.latitude", "Degrees north; null where it is not known."),
            ("longitude", "= city.longitude", "Degrees east; null where it is not known."),
            (
                "population",
                "= city.population",
                "Inhabitants by GeoNames; null where it is not known.",
            ),
            ("members_from_here", "bigint", f"Who gave this place. {MEMBERS}"),
            ("members_in_rooms", "bigint", f"In the rooms of this place. {MEMBERS}"),
            (
                "rooms",
                "= coalesce(shown.rooms, 0)",
                "Rooms of this place that are large enough to be shown.",
            ),
        ],
        f"""{join_city()} {join_city("hub", "city.hub_id")}
            LEFT JOIN (
                SELECT (cells ->> 'city_id')::bigint AS city_id, count(*) AS rooms
                FROM public.published WHERE view = 'rooms' GROUP BY 1
            ) AS shown ON shown.city_id = stored.city_id""",
        "members_from_here DESC NULLS LAST, country, city, is_gathered",
        CITY_CELLS | {"is_listed": "boolean", "is_gathered": "boolean"},
        "coalesce(stored.members_from_here, stored.members_in_rooms) IS NOT NULL",
    )


def create_views_of_interests() -> None:
    create_view(
        "city_interests",
        "Interests by city. An interest is left out if too few people of a city have it, or all"
        f" but too few. {NOT_ADDED}",
        [
            *CITY,
            *INTEREST,
            liked("members_who_like", "People of the city"),
            ("members", "bigint", f"All people of the city; rounded. {REPEATED}"),
        ],
        f"{join_city()} {JOIN_INTERESTS}",
        "members DESC, city_id, members_who_like DESC, interest",
        CITY_CELLS | LIKES,
    )
    create_view(
        "interests",
        f"Interests of all members. {NOT_ADDED}",
        [
            *INTEREST,
            liked("members_who_like", "People"),
            ("members", "bigint", f"All people; rounded. {REPEATED}"),
        ],
        JOIN_INTERESTS,
        "members_who_like DESC, interest",
        LIKES,
    )
    create_view(
        "mover_interests",
        "Interests of the members who moved to another room by themselves, as their latest move."
        f" {NOT_ADDED}",
        [
            *INTEREST,
            liked("movers_who_like", "People who moved"),
            ("movers", "= stored.members", f"All people who moved; rounded. {REPEATED}"),
        ],
        JOIN_INTERESTS,
        "movers_who_like DESC, interest",
        LIKES | {"members": "bigint"},
    )


def downgrade() -> None:
    for name in VIEWS:
        op.execute(f"DROP VIEW analytics.{name}")
