"""Views for analysts: joins, interests and moves over time."""

from alembic import op

revision = "0009"
down_revision = "0008"

# As in 0008: whole days, minimum group size, rounded counts, MATERIALIZED last CTE.
K = "(SELECT min_group FROM public.analytics_settings)"
# Days and weeks since a Monday. date_bin ignores time zones, so it is many times faster.
DAY = "date_bin('1 day', member.created_at, '2001-01-01 00:00+00')"
WEEK = "date_bin('7 days', member.created_at, '2001-01-01 00:00+00')"
# A subquery is evaluated once, the bare function for every row.
TODAY = "(SELECT date_trunc('day', now(), 'UTC'))"


def rounded(people: str) -> str:
    return f"(round({people}::numeric / {K}) * {K})::bigint"


DAILY_JOINS = f"""
    WITH by_country AS (
        SELECT {DAY} AS day,
               coalesce(city.country_code, 'unknown') AS country, room.cluster_id,
               count(*) AS joins
        FROM public.memberships AS member
        JOIN public.cities AS city ON city.id = member.city_id
        JOIN public.rooms AS room ON room.id = member.room_id
        WHERE member.joined_at < {TODAY}
        GROUP BY 1, 2, 3
    ), folded AS (
        SELECT day, CASE WHEN joins < {K} THEN 'other' ELSE country END AS country, cluster_id,
               sum(joins) AS joins
        FROM by_country GROUP BY 1, 2, 3
    ), of_days AS (
        SELECT day, country, CASE WHEN joins >= {K} THEN cluster_id END AS cluster_id,
               sum(joins) AS joins
        FROM folded GROUP BY 1, 2, 3
    ), shown AS MATERIALIZED (
        SELECT (day AT TIME ZONE 'UTC')::date AS joined_at, country::text AS country,
               cluster.id AS cluster,
               coalesce(cluster.label_en, 'other') AS cluster_en,
               coalesce(cluster.label_es, 'otros') AS cluster_es, {rounded("joins")} AS joins
        FROM of_days
        LEFT JOIN public.clusters AS cluster ON cluster.id = of_days.cluster_id
        WHERE joins >= {K}
        ORDER BY day, country, cluster.id
    )
    SELECT * FROM shown
"""
WEEKLY_JOINS = f"""
    WITH counted AS (
        SELECT {WEEK} AS week,
               member.city_id, count(*) AS joins
        FROM public.memberships AS member WHERE joined_at < {TODAY}
        GROUP BY 1, 2
    ), by_city AS (
        SELECT week, town.id AS city_id, coalesce(town.country_code, 'unknown') AS country,
               sum(joins) AS joins
        FROM counted
        JOIN public.cities AS said ON said.id = counted.city_id
        JOIN public.cities AS town ON town.id = coalesce(said.merged_into, said.id)
        GROUP BY 1, 2, 3
    ), by_country AS (
        SELECT week, CASE WHEN joins >= {K} THEN city_id END AS city_id, country,
               sum(joins) AS joins
        FROM by_city GROUP BY 1, 2, 3
    ), folded AS (
        SELECT week, city_id, CASE WHEN joins < {K} THEN 'other' ELSE country END AS country,
               sum(joins) AS joins
        FROM by_country GROUP BY 1, 2, 3
    ), shown AS MATERIALIZED (
        SELECT (week AT TIME ZONE 'UTC')::date AS joined_at, folded.city_id,
               coalesce(city.name, 'other') AS city,
               city.region, folded.country::text AS country, folded.city_id IS NULL AS is_other,
               {rounded("joins")} AS joins
        FROM folded
        LEFT JOIN public.cities AS city ON city.id = folded.city_id
        WHERE joins >= {K}
        ORDER BY week, joins DESC, country, city
    )
    SELECT * FROM shown
"""
# Unnested interests are by far the most rows. Above this number of people, a fixed sample of about
# this size is counted and scaled up. The table's size is the planner's estimate.
SAMPLED = 200_000
SHARE = f"""(SELECT least(1, {SAMPLED} / greatest(reltuples, 1)::float8)
             FROM pg_catalog.pg_class WHERE oid = 'public.memberships'::regclass)"""
SAMPLE = f"public.memberships AS member TABLESAMPLE BERNOULLI (100 * {SHARE}) REPEATABLE (1)"


def scaled(people: str) -> str:
    return f"(round({people}::numeric / {SHARE}::numeric / {K}) * {K})::bigint"


# An interest that almost all or almost none of a group have would reveal single people, so both
# numbers must reach the minimum. Each person also counts once under the key NULL, which gives the
# size of the group without a second pass over the table.
INTEREST_POPULARITY = f"""
    WITH ticked AS (
        SELECT date_trunc('month', member.created_at AT TIME ZONE 'UTC')::date AS month,
               room.cluster_id, unnest(array_append(member.interests, NULL)) AS key
        FROM {SAMPLE} JOIN public.rooms AS room ON room.id = member.room_id
        WHERE member.joined_at < {TODAY}
    ), counted AS MATERIALIZED (
        SELECT month, cluster_id, key, count(*) AS likes FROM ticked GROUP BY 1, 2, 3
    ), liked AS (
        SELECT month, cluster_id, counted.key, counted.likes, everybody.likes AS members
        FROM counted
        JOIN counted AS everybody USING (month, cluster_id)
        WHERE counted.key IS NOT NULL AND everybody.key IS NULL
    ), shown AS MATERIALIZED (
        SELECT month AS joined_at, cluster_id AS cluster, cluster.label_en AS cluster_en,
               cluster.label_es AS cluster_es, key AS interest,
               coalesce(interest.label_en, key) AS interest_en,
               coalesce(interest.label_es, key) AS interest_es,
               coalesce(interest.interest_group, 'unknown') AS interest_group,
               {scaled("likes")} AS members_who_like, {scaled("members")} AS members
        FROM liked
        JOIN public.clusters AS cluster ON cluster.id = cluster_id
        LEFT JOIN public.interests AS interest USING (key)
        WHERE likes >= {K} AND members - likes >= {K}
        ORDER BY month, cluster_id, members_who_like DESC, key
    )
    SELECT * FROM shown
"""
CITY_INTERESTS = f"""
    WITH ticked AS (
        SELECT coalesce(city.merged_into, city.id) AS city_id,
               unnest(array_append(member.interests, NULL)) AS key
        FROM {SAMPLE} JOIN public.cities AS city ON city.id = member.city_id
        WHERE member.joined_at < {TODAY}
    ), counted AS MATERIALIZED (
        SELECT city_id, key, count(*) AS likes FROM ticked GROUP BY 1, 2
    ), liked AS (
        SELECT city_id, counted.key, counted.likes, everybody.likes AS members
        FROM counted
        JOIN counted AS everybody USING (city_id)
        WHERE counted.key IS NOT NULL AND everybody.key IS NULL
    ), shown AS MATERIALIZED (
        SELECT city_id, city.name AS city, city.region, city.country_code::text AS country,
               key AS interest, coalesce(interest.label_en, key) AS interest_en,
               coalesce(interest.label_es, key) AS interest_es,
               coalesce(interest.interest_group, 'unknown') AS interest_group,
               {scaled("likes")} AS members_who_like, {scaled("members")} AS members
        FROM liked
        JOIN public.cities AS city ON city.id = city_id
        LEFT JOIN public.interests AS interest USING (key)
        WHERE likes >= {K} AND members - likes >= {K}
        ORDER BY members DESC, city_id, members_who_like DESC, key
    )
    SELECT * FROM shown
"""
# The latest move of each person. Redirects hold the city and cluster of a closed room. The reason
# of a move is kept for 30 days, and only for moves by commands.
MOVES = f"""
    WITH moved AS MATERIALIZED (
        SELECT user_id, previous_room_id AS from_room, room_id AS to_room, joined_at
        FROM public.memberships
        WHERE previous_room_id IS NOT NULL AND joined_at < {TODAY}
    ), places AS (
        SELECT id, city_id, cluster_id FROM public.rooms
        UNION ALL
        SELECT id, city_id, cluster_id FROM public.room_redirects AS gone
        WHERE NOT EXISTS (SELECT 1 FROM public.rooms WHERE rooms.id = gone.id)
    ), counted AS (
        SELECT date_trunc('month', moved.joined_at AT TIME ZONE 'UTC')::date AS month,
               was.city_id AS from_city, was.cluster_id AS from_cluster,
               now.city_id AS to_city, now.cluster_id AS to_cluster,
               CASE WHEN change.reason IS NOT NULL THEN change.reason
                    WHEN moved.joined_at < {TODAY} - interval '29 days' THEN 'no longer known'
                    ELSE 'asked' END AS reason,
               count(*) AS members
        FROM moved
        JOIN places AS was ON was.id = moved.from_room
        JOIN public.rooms AS now ON now.id = moved.to_room
        LEFT JOIN (
            SELECT user_id, from_room, to_room, max(reason) AS reason
            FROM public.room_changes GROUP BY 1, 2, 3
        ) AS change USING (user_id, from_room, to_room)
        GROUP BY 1, 2, 3, 4, 5, 6
    ), kinds AS (
        SELECT *, from_city <> to_city AS is_between_cities,
               from_cluster <> to_cluster AS is_between_clusters
        FROM counted
    ), without_cities AS (
        SELECT month, CASE WHEN members >= {K} THEN from_city END AS from_city, from_cluster,
               CASE WHEN members >= {K} THEN to_city END AS to_city, to_cluster, reason,
               is_between_cities, is_between_clusters, sum(members) AS members
        FROM kinds GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
    ), folded AS (
        SELECT month, from_city, CASE WHEN members >= {K} THEN from_cluster END AS from_cluster,
               to_city, CASE WHEN members >= {K} THEN to_cluster END AS to_cluster,
               reason, is_between_cities, is_between_clusters,
               sum(members) AS members
        FROM without_cities GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
    ), shown AS MATERIALIZED (
        SELECT month AS moved_at, coalesce(old_city.name, 'other') AS from_city,
               old_city.country_code::text AS from_country,
               coalesce(new_city.name, 'other') AS to_city,
               new_city.country_code::text AS to_country,
               from_cluster, coalesce(old_cluster.label_en, 'other') AS from_cluster_en,
               coalesce(old_cluster.label_es, 'otros') AS from_cluster_es,
               to_cluster, coalesce(new_cluster.label_en, 'other') AS to_cluster_en,
               coalesce(new_cluster.label_es, 'otros') AS to_cluster_es,
               is_between_cities, is_between_clusters, reason, {rounded("members")} AS members
        FROM folded
        LEFT JOIN public.cities AS old_city ON old_city.id = folded.from_city
        LEFT JOIN public.cities AS new_city ON new_city.id = folded.to_city
        LEFT JOIN public.clusters AS old_cluster ON old_cluster.id = from_cluster
        LEFT JOIN public.clusters AS new_cluster ON new_cluster.id = to_cluster
        WHERE members >= {K}
        ORDER BY month, members DESC, from_city, to_city, from_cluster, to_cluster, reason
    )
    SELECT * FROM shown
"""
ESTIMATED = f"rounded, and estimated where there are over {SAMPLED:,} people"
CLUSTER = {
    "cluster": "Number of the cluster they are in now.",
    "cluster_en": "The cluster's label in English.",
    "cluster_es": "The cluster's label in Spanish.",
}
INTEREST = {
    "interest": "Key of the interest, as the app sends it.",
    "interest_en": "Name of the interest in English; the key where it has none.",
    "interest_es": "Name of the interest in Spanish; the key where it has none.",
    "interest_group": "sport, culture, food or leisure; unknown: no model knows the interest.",
}
# Each view with its SQL, its comment and its columns' comments.
VIEWS = {
    "daily_joins": (
        DAILY_JOINS,
        "People who came, by day, country and cluster. Groups of too few are summed in 'other'.",
        {
            "joined_at": "Day on which they first came, UTC.",
            "country": (
                "Country of the place they say they are in, ISO 3166-1 alpha-2; or 'other', or"
                " 'unknown'."
            ),
            **CLUSTER,
            "cluster": "Number of the cluster they are in now; null: several, summed.",
            "joins": "People; rounded. Who left since is not counted.",
        },
    ),
    "weekly_joins": (
        WEEKLY_JOINS,
        "People who came, by week and city. Groups of too few are summed in rows 'other'.",
        {
            "joined_at": "Monday of the week in which they first came, UTC.",
            "city_id": "The place they say they are in, for joining with cities; null: 'other'.",
            "city": "Name of the place; or 'other'.",
            "region": "Region of the place, where it is known.",
            "country": "Country of the place, ISO 3166-1 alpha-2; or 'other', or 'unknown'.",
            "is_other": "True: this row sums places that are too small to be shown one by one.",
            "joins": "People; rounded. Who left since is not counted.",
        },
    ),
    "interest_popularity": (
        INTEREST_POPULARITY,
        "What people like, by the month in which they came and by cluster. Left out: what too few"
        " of a group like, or all but too few.",
        {
            "joined_at": "First day of the month in which they first came, UTC.",
            **CLUSTER,
            **INTEREST,
            "members_who_like": f"People who came that month and like it; {ESTIMATED}.",
            "members": f"All people of the cluster who came that month; {ESTIMATED}.",
        },
    ),
    "city_interests": (
        CITY_INTERESTS,
        "What people like, by the place they say they are in. Left out: what too few there like,"
        " or all but too few.",
        {
            "city_id": "Number of the place, for joining with cities.",
            "city": "Name of the place.",
            "region": "Region of the place, where it is known.",
            "country": "Country of the place, ISO 3166-1 alpha-2; null where it is not known.",
            **INTEREST,
            "members_who_like": f"People from there who like it; {ESTIMATED}.",
            "members": f"All people from there; {ESTIMATED}.",
        },
    ),
    "moves": (
        MOVES,
        "People who went from one room into another: of each the latest move. Groups of too few"
        " are summed in 'other'.",
        {
            "moved_at": "First day of the month in which they moved, UTC.",
            "from_city": "City of the room they left; or 'other'.",
            "from_country": "Its country, ISO 3166-1 alpha-2; null where it is not known.",
            "to_city": "City of the room they came into; or 'other'.",
            "to_country": "Its country, ISO 3166-1 alpha-2; null where it is not known.",
            "from_cluster": "Cluster of the room they left; null: several, summed.",
            "from_cluster_en": "Its label in English; or 'other'.",
            "from_cluster_es": "Its label in Spanish; or 'otros'.",
            "to_cluster": "Cluster of the room they came into; null: several, summed.",
            "to_cluster_en": "Its label in English; or 'other'.",
            "to_cluster_es": "Its label in Spanish; or 'otros'.",
            "is_between_cities": "True: the two rooms are of different cities.",
            "is_between_clusters": "True: the two rooms are of different clusters.",
            "reason": (
                "asked: by the people themselves, with another city or other interests; merge,"
                " gather, release, reassign or import: by an admin; no longer known: it is kept"
                " for 30 days."
            ),
            "members": "People; rounded.",
        },
    ),
}


def upgrade() -> None:
    for name, (sql, comment, columns) in VIEWS.items():
        op.execute(f"CREATE VIEW analytics.{name} WITH (security_barrier) AS {sql}")
        op.execute(f"COMMENT ON VIEW analytics.{name} IS {quoted(comment)}")
        for column, column_comment in columns.items():
            op.execute(f"COMMENT ON COLUMN analytics.{name}.{column} IS {quoted(column_comment)}")


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def downgrade() -> None:
    for name in VIEWS:
        op.execute(f"DROP VIEW analytics.{name}")
