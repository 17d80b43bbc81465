"""The figures of days, weeks and months that are over: published once, then never changed."""

from app.domain.analytics.figures import BEFORE_TODAY, MONTH, Figures, liked
from app.domain.analytics.present_figures import CITY_FOLDS, OF_ROOMS, PLACE, TOWN

DAY, WEEK = MONTH.replace("month", "day"), MONTH.replace("month", "week")
CLUSTER = "JOIN rooms AS room ON room.id = member.room_id"
COUNTED = "count(*) AS size, count(*) AS joins"
DAILY_JOINS = f"""
    SELECT {DAY.format("member.created_at")} AS joined_day,
           coalesce(city.country_code, 'unknown') AS country, room.cluster_id AS cluster, {COUNTED}
    FROM memberships AS member {TOWN} {CLUSTER} WHERE member.{BEFORE_TODAY} GROUP BY 1, 2, 3
"""
WEEKLY_JOINS = f"""
    SELECT {WEEK.format("member.created_at")} AS joined_week, city.id AS city_id, {PLACE}, {COUNTED}
    FROM memberships AS member {TOWN} WHERE member.{BEFORE_TODAY} GROUP BY 1, 2
"""
# People who were erased since count in the month in which they joined, so that it can be told how
# many of it remain.
MONTHLY_JOINS = f"""
    SELECT joined_month, region, country, cluster, sum(joins) AS size, sum(joins) AS joins
    FROM (
        SELECT {MONTH.format("member.created_at")} AS joined_month, city.region,
               coalesce(city.country_code, 'unknown') AS country, room.cluster_id AS cluster,
               count(*) AS joins
        FROM memberships AS member {TOWN} {CLUSTER} WHERE member.{BEFORE_TODAY} GROUP BY 1, 2, 3, 4
        UNION ALL
        SELECT joined_month, NULL, country, cluster_id, sum(members) FROM deletions GROUP BY 1, 3, 4
    ) AS joined
    GROUP BY 1, 2, 3, 4
"""
# OFFSET keeps the month from being computed, and people from being sorted, for each interest.
JOINERS = f"""
    SELECT {MONTH.format("member.created_at")} AS joined_month, room.cluster_id AS cluster,
           interests
    FROM memberships AS member {CLUSTER}
    WHERE member.{BEFORE_TODAY}
      AND member.created_at >= date_trunc('month', %(since)s::timestamptz, 'UTC')
    OFFSET 0
"""
# A redirect has the city and cluster of a closed room.
OPEN_AND_CLOSED = """
    SELECT id, city_id, cluster_id, true AS is_open FROM rooms
    UNION ALL
    SELECT id, city_id, cluster_id, false FROM room_redirects AS gone
    WHERE NOT EXISTS (SELECT FROM rooms WHERE rooms.id = gone.id)
"""
# The latest move of each person. The reason of a move is kept for 30 days, and only for moves by
# commands.
MOVED = f"""
    SELECT {MONTH.format("member.joined_at")} AS moved_month, city.id AS from_city_id,
           coalesce(city.country_code, 'unknown') AS from_country, now_city.id AS to_city_id,
           coalesce(now_city.country_code, 'unknown') AS to_country, was.cluster_id AS from_cluster,
           room.cluster_id AS to_cluster, was.is_open,
           CASE WHEN change.reason IS NOT NULL THEN change.reason
                WHEN member.joined_at < %(today)s - interval '29 days' THEN 'no longer known'
                ELSE 'asked' END AS reason
    FROM memberships AS member
    JOIN ({OPEN_AND_CLOSED}) AS was ON was.id = member.previous_room_id
    JOIN rooms AS room ON room.id = member.room_id
    JOIN cities AS city ON city.id = was.city_id
    JOIN cities AS now_city ON now_city.id = room.city_id
    LEFT JOIN (
        SELECT user_id, from_room, to_room, max(reason) AS reason FROM room_changes GROUP BY 1, 2, 3
    ) AS change ON (change.user_id, change.from_room, change.to_room)
                 = (member.user_id, member.previous_room_id, member.room_id)
    WHERE member.{BEFORE_TODAY}
"""
PEOPLE = "count(*) AS size, count(*) AS members"
MOVES = f"""
    SELECT moved_month, reason, from_city_id <> to_city_id AS is_between_cities,
           from_cluster <> to_cluster AS is_between_clusters, {PEOPLE}
    FROM ({MOVED}) AS moved GROUP BY 1, 2, 3, 4
"""
CITY_MOVES = f"""
    SELECT moved_month, from_city_id, from_country, to_city_id, to_country, reason, {PEOPLE}
    FROM ({MOVED}) AS moved WHERE from_city_id <> to_city_id GROUP BY 1, 2, 3, 4, 5, 6
"""
CLUSTER_MOVES = f"""
    SELECT moved_month, from_cluster, to_cluster, reason, {PEOPLE}
    FROM ({MOVED}) AS moved WHERE from_cluster <> to_cluster GROUP BY 1, 2, 3, 4
"""
# People whom no command is known to have moved: their room before is open.
CITY_FLOWS = f"""
    SELECT moved_month, city.id AS city_id, {PLACE}, sum(arrivals + departures) AS size,
           sum(arrivals) AS arrivals, sum(departures) AS departures
    FROM (
        SELECT moved_month, unnest(ARRAY[to_city_id, from_city_id]) AS city_id,
               unnest(ARRAY[1, 0]) AS arrivals, unnest(ARRAY[0, 1]) AS departures
        FROM ({MOVED}) AS moved
        WHERE from_city_id <> to_city_id AND is_open AND reason IN ('asked', 'no longer known')
    ) AS sides
    JOIN cities AS city ON city.id = sides.city_id
    GROUP BY 1, 2
"""
# The rooms at the end of each month. Of each present member the current room and the one before it
# are known.
ROOMS_OF_MONTHS = f"""
    SELECT month, room_id, sum(entered)::bigint AS members
    FROM (
        SELECT room_id, {MONTH.format("joined_at")} AS entered_month, NULL::date AS left_month,
               count(*) AS entered
        FROM memberships WHERE {BEFORE_TODAY} GROUP BY 1, 2
        UNION ALL
        SELECT previous_room_id, {MONTH.format("created_at")}, {MONTH.format("joined_at")}, count(*)
        FROM memberships WHERE {BEFORE_TODAY} AND previous_room_id IS NOT NULL GROUP BY 1, 2, 3
    ) AS entries
    JOIN (
        SELECT month::date
        FROM (SELECT min(created_at) AS joined_at FROM memberships) AS first, generate_series(
            greatest(date_trunc('month', first.joined_at, 'UTC'),
                     date_trunc('month', %(since)s::timestamptz, 'UTC')),
            %(today)s - interval '1 month', '1 month') AS month
    ) AS months ON entered_month <= month AND (left_month IS NULL OR month < left_month)
    GROUP BY 1, 2
"""
MONTHLY_ROOMS = f"""
    SELECT month AS counted_month, coalesce(city.country_code, 'unknown') AS country,
           sum(members) AS size, sum(members) AS members, count(*) AS rooms,
           coalesce(sum(members) FILTER (WHERE members >= %(k)s), 0) AS members_in_lively_rooms,
           count(*) FILTER (WHERE members >= %(k)s) AS lively_rooms
    FROM ({ROOMS_OF_MONTHS}) AS sizes
    JOIN ({OPEN_AND_CLOSED}) AS room ON room.id = sizes.room_id
    JOIN cities AS city ON city.id = room.city_id
    GROUP BY 1, 2
"""
ROOM_ACTIVITY = f"""
    SELECT sizes.month AS counted_month, {MONTH.format("room.created_at")} AS opened_month,
           sum(members) AS size, sum(members) AS members, count(*) AS rooms,
           count(joined.room_id) AS rooms_joined
    FROM ({ROOMS_OF_MONTHS}) AS sizes
    JOIN rooms AS room ON room.id = sizes.room_id
    LEFT JOIN (
        SELECT DISTINCT room_id, {MONTH.format("created_at")} AS month
        FROM memberships WHERE {BEFORE_TODAY}
    ) AS joined ON (joined.room_id, joined.month) = (sizes.room_id, sizes.month)
    WHERE members >= %(k)s
    GROUP BY 1, 2
"""
# A closed room of a gathered town, of the people whose latest move led out of it.
GATHERINGS = f"""
    SELECT {MONTH.format("redirect.at")} AS gathered_month, count(*) AS size, count(*) AS members,
           -- Of few rooms, a median is the exact size of one that can be named.
           CASE WHEN count(DISTINCT redirect.id) >= %(k)s
                THEN percentile_disc(0.5) WITHIN GROUP (ORDER BY old.members) END AS median_before,
           CASE WHEN count(DISTINCT member.room_id) >= %(k)s
                THEN percentile_disc(0.5) WITHIN GROUP (ORDER BY new.members) END AS median_after
    FROM memberships AS member
    JOIN room_redirects AS redirect ON redirect.id = member.previous_room_id
    JOIN cities AS city ON city.id = redirect.city_id AND city.hub_id IS NOT NULL
    JOIN (
        SELECT previous_room_id, count(*) AS members FROM memberships
        WHERE previous_room_id IS NOT NULL GROUP BY 1
    ) AS old ON old.previous_room_id = redirect.id
    JOIN ({OF_ROOMS}) AS new ON new.room_id = member.room_id
    WHERE member.{BEFORE_TODAY}
    GROUP BY 1
"""
DELETIONS = """
    SELECT deleted_month, country, cluster_id AS cluster, sum(members) AS size,
           sum(members) AS members
    FROM deletions GROUP BY 1, 2, 3
"""
COHORT_DELETIONS = """
    SELECT deleted_month, joined_month, sum(members) AS size, sum(members) AS members
    FROM deletions GROUP BY 1, 2
"""
OF_PERIODS = (
    Figures(
        "daily_joins",
        DAILY_JOINS,
        ("joined_day", "country", "cluster"),
        ("joins",),
        folds=(("cluster",), ("country",)),
        period="day",
    ),
    Figures(
        "weekly_joins",
        WEEKLY_JOINS,
        ("joined_week", "city_id", "region", "country", "kind"),
        ("joins",),
        folds=CITY_FOLDS,
        period="week",
    ),
    Figures(
        "monthly_joins",
        MONTHLY_JOINS,
        ("joined_month", "country", "region", "cluster"),
        ("joins",),
        folds=(("region",), ("cluster",), ("country",)),
        period="month",
    ),
    Figures(
        "interest_popularity",
        liked(JOINERS, "joined_month", "cluster"),
        ("joined_month", "cluster"),
        cells={"likes": "coalesce(likes, '{}')"},
        period="month",
    ),
    Figures(
        "moves",
        MOVES,
        ("moved_month", "reason", "is_between_cities", "is_between_clusters"),
        folds=(("is_between_cities", "is_between_clusters"), ("reason",)),
        period="month",
    ),
    Figures(
        "city_moves",
        CITY_MOVES,
        ("moved_month", "from_city_id", "from_country", "to_city_id", "to_country", "reason"),
        folds=(("from_city_id",), ("to_city_id",), ("reason",), ("from_country",), ("to_country",)),
        period="month",
    ),
    Figures(
        "cluster_moves",
        CLUSTER_MOVES,
        ("moved_month", "from_cluster", "to_cluster", "reason"),
        folds=(("reason",), ("from_cluster",), ("to_cluster",)),
        period="month",
    ),
    Figures(
        "city_flows",
        CITY_FLOWS,
        ("moved_month", "city_id", "region", "country", "kind"),
        ("arrivals", "departures"),
        folds=CITY_FOLDS,
        period="month",
    ),
    Figures(
        "monthly_rooms",
        MONTHLY_ROOMS,
        ("counted_month", "country"),
        ("members", "rooms", "members_in_lively_rooms", "lively_rooms"),
        folds=(("country",),),
        period="month",
    ),
    Figures(
        "room_activity",
        ROOM_ACTIVITY,
        ("counted_month", "opened_month"),
        ("members", "rooms", "rooms_joined"),
        period="month",
    ),
    Figures(
        "gatherings",
        GATHERINGS,
        ("gathered_month",),
        cells={"median_room_before": "median_before", "median_room_after": "median_after"},
        carried={"median_before": "max", "median_after": "max"},
        period="month",
    ),
    Figures(
        "deletions",
        DELETIONS,
        ("deleted_month", "country", "cluster"),
        folds=(("cluster",), ("country",)),
        period="month",
    ),
    Figures(
        "cohort_deletions",
        COHORT_DELETIONS,
        ("deleted_month", "joined_month"),
        folds=(("joined_month",),),
        period="month",
    ),
)
