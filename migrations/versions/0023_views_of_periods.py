"""Views for analysts: published figures of days, weeks and months that are over."""

from typing import Any

from alembic import context, op

revision = "0023"
down_revision = "0022"

CLOSED = "A period appears when it is over, and stays as it was then."
REASON = (
    "reason",
    "= coalesce(stored.reason, 'other')",
    "asked: the person sent another city or other interests; merge, unmerge, gather, release,"
    " reassign or import: a command moved the person; no longer known: the reason is kept for 30"
    " days; other: several.",
)
COUNTRY = (
    "country",
    "= coalesce(stored.country, 'other')",
    "Country, ISO 3166-1 alpha-2; or 'other', or 'unknown'.",
)
MOVED_MONTH = ("moved_month", "date", "First day of the month of the move, UTC.")
JOINS = (
    "joins",
    "bigint",
    "People who were members when the period was published; rounded.",
)
VIEWS = (
    "daily_joins",
    "weekly_joins",
    "monthly_joins",
    "interest_popularity",
    "moves",
    "city_moves",
    "cluster_moves",
    "city_flows",
    "monthly_rooms",
    "room_activity",
    "gatherings",
)


def upgrade() -> None:
    members = context.script.get_revision("0021").module
    create_views_of_joins(members)
    create_views_of_moves(members)
    create_views_of_rooms(members)


def create_views_of_joins(members: Any) -> None:
    create, other = members.create_view, f"{members.OTHER} joins adds up. {CLOSED}"
    country_or_cluster = (
        "is_other",
        "= stored.country IS NULL OR stored.cluster IS NULL",
        members.IS_OTHER,
    )
    create(
        "daily_joins",
        f"First joins by day, country and cluster. {other}",
        [
            ("joined_day", "date", "Day of the first join, UTC."),
            COUNTRY,
            country_or_cluster,
            *members.cluster(),
            JOINS,
        ],
        members.join_cluster(),
        "joined_day, country, cluster",
        {"country": "text"},
    )
    create(
        "weekly_joins",
        f"First joins by week and city. {other}",
        [
            ("joined_week", "date", "Monday of the week of the first join, UTC."),
            *members.CITY,
            JOINS,
        ],
        members.join_city(),
        "joined_week, joins DESC, country, city",
        members.CITY_CELLS,
    )
    create(
        "monthly_joins",
        f"First joins by month, country, region and cluster, also of people erased since. {other}",
        [
            ("joined_month", "date", "First day of the month of the first join, UTC."),
            COUNTRY,
            (
                "region",
                "text",
                "Region of the city; null: several, or not known, as of erased people.",
            ),
            country_or_cluster,
            *members.cluster(),
            ("joins", "bigint", "People; rounded."),
        ],
        members.join_cluster(),
        "joined_month, country, region, cluster",
        {"country": "text"},
    )
    create(
        "interest_popularity",
        "Interests by month of the first join and by cluster. An interest is left out if too few"
        f" of a group have it, or all but too few. {members.NOT_ADDED} {CLOSED}",
        [
            ("joined_month", "date", "First day of the month of the first join, UTC."),
            *members.cluster(),
            *members.INTEREST,
            members.liked("members_who_like", "People who joined that month"),
            (
                "members",
                "bigint",
                f"All people of the cluster who joined that month; rounded. {members.REPEATED}",
            ),
        ],
        f"{members.join_cluster()} {members.JOIN_INTERESTS}",
        "joined_month, cluster, members_who_like DESC, interest",
        members.LIKES,
    )


def create_views_of_moves(members: Any) -> None:
    create, people = members.create_view, ("members", "bigint", members.MEMBERS)
    latest = f"the latest of each person when the month was published. {members.OTHER} {CLOSED}"
    create(
        "moves",
        f"Moves between rooms: {latest} members adds up.",
        [
            MOVED_MONTH,
            REASON,
            (
                "is_between_cities",
                "boolean",
                "True: to a room of another city. Null: several kinds of moves.",
            ),
            (
                "is_between_clusters",
                "boolean",
                "True: to a room of another cluster. Null: several kinds of moves.",
            ),
            (
                "is_other",
                "= stored.reason IS NULL OR stored.is_between_cities IS NULL",
                members.IS_OTHER,
            ),
            people,
        ],
        order="moved_month, members DESC, reason",
        hidden={"reason": "text"},
    )
    sides = [
        column
        for side, what in (("from", "previous"), ("to", "new"))
        for column in (
            (f"{side}_city_id", "bigint", f"City of the {what} room; null: several."),
            (
                f"{side}_city",
                f"= coalesce({side}_city.name, stored.{side}_city, 'other')",
                "Its name; or 'other'.",
            ),
            (
                f"{side}_country",
                f"= coalesce(stored.{side}_country, 'other')",
                "Its country, ISO 3166-1 alpha-2; or 'other', or 'unknown'.",
            ),
        )
    ]
    create(
        "city_moves",
        f"Moves to a room of another city: {latest} members adds up.",
        [
            MOVED_MONTH,
            *sides,
            REASON,
            (
                "is_other",
                "= stored.from_city_id IS NULL OR stored.to_city_id IS NULL"
                " OR stored.reason IS NULL",
                members.IS_OTHER,
            ),
            people,
        ],
        members.join_city("from_city", "stored.from_city_id")
        + members.join_city("to_city", "stored.to_city_id"),
        "moved_month, members DESC, from_city, to_city",
        {
            "from_city": "text",
            "to_city": "text",
            "from_country": "text",
            "to_country": "text",
            "reason": "text",
        },
    )
    create(
        "cluster_moves",
        f"Moves to a room of another cluster: {latest} members adds up.",
        [
            MOVED_MONTH,
            *members.cluster("from_", "previous cluster"),
            *members.cluster("to_", "new cluster"),
            REASON,
            (
                "is_other",
                "= stored.from_cluster IS NULL OR stored.to_cluster IS NULL"
                " OR stored.reason IS NULL",
                members.IS_OTHER,
            ),
            people,
        ],
        f"{members.join_cluster('from_cluster')} {members.join_cluster('to_cluster')}",
        "moved_month, members DESC, stored.from_cluster, stored.to_cluster",
        {"reason": "text"},
    )
    create(
        "city_flows",
        "People who moved by themselves to or from a city's rooms, in the month of their latest"
        f" move. {members.OTHER} A person counts in two rows. {CLOSED}",
        [
            MOVED_MONTH,
            *members.CITY,
            ("arrivals", "bigint", f"Who came. {members.MEMBERS}"),
            ("departures", "bigint", f"Who left. {members.MEMBERS}"),
        ],
        members.join_city(),
        "moved_month, country, city",
        members.CITY_CELLS,
        "coalesce(stored.arrivals, stored.departures) IS NOT NULL",
    )


def create_views_of_rooms(members: Any) -> None:
    create, people = members.create_view, ("members", "bigint", members.MEMBERS)
    lively = "with as many members as a group needs to be shown; rounded; null: too few."
    create(
        "monthly_rooms",
        "Rooms and their members at the end of each month, by country; members adds up within a"
        " month. Months before the first publication count present members only, by their last two"
        f" rooms. {CLOSED}",
        [
            (
                "counted_month",
                "date",
                "First day of the month at whose end they were counted, UTC.",
            ),
            COUNTRY,
            ("is_other", "= stored.country IS NULL", members.IS_OTHER),
            ("rooms", "bigint", "Rooms; rounded; null: too few."),
            ("lively_rooms", "bigint", f"Rooms {lively}"),
            people,
            ("members_in_lively_rooms", "bigint", f"People in rooms {lively}"),
        ],
        order="counted_month, country",
        hidden={"country": "text"},
    )
    create(
        "room_activity",
        "Rooms with as many members as a group needs, at the end of each month, and those of them"
        " that somebody registered into during that month; by the month of the room's first join."
        f" members adds up within a month. {CLOSED}",
        [
            ("counted_month", "date", "First day of the month, UTC."),
            ("opened_month", "date", "First day of the month of the room's first join, UTC."),
            ("rooms", "bigint", "Rooms; rounded; null: too few."),
            ("rooms_joined", "bigint", "Rooms with a new registration; rounded; null: too few."),
            people,
        ],
    )
    create(
        "gatherings",
        "People of gathered small towns whose latest move was the gathering, with the sizes of"
        f" their rooms before and after. members adds up. {CLOSED}",
        [
            ("gathered_month", "date", "First day of the month of the gathering, UTC."),
            people,
            (
                "median_room_before",
                "integer",
                "Of these people, how many were in the room before: the median over the people;"
                " null: too few rooms.",
            ),
            (
                "median_room_after",
                "integer",
                "People in the room that they are in now: the median over the people; null: too few"
                " rooms.",
            ),
        ],
    )


def downgrade() -> None:
    for name in VIEWS:
        op.execute(f"DROP VIEW analytics.{name}")
