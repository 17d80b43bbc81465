"""Views for analysts: rooms, cities, clusters and models."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

# Every view reads only whole days, so that no single join is visible in a count; sums groups below
# the minimum size into "other", and omits what is still below it; rounds counts to the nearest
# multiple of the minimum size. Its last CTE is MATERIALIZED and sorted: otherwise an analyst's
# condition would be pushed down to the tables, where EXPLAIN ANALYZE shows exact counts.
K = "(SELECT min_group FROM public.analytics_settings)"
# A subquery is evaluated once, the bare function for every row.
TODAY = "(SELECT date_trunc('day', now(), 'UTC'))"


def rounded(people: str) -> str:
    return f"(round({people}::numeric / {K}) * {K})::bigint"


ROOMS = f"""
    WITH newest AS MATERIALIZED (
        SELECT max(joined_at) - interval '30 days' AS month_before
        FROM public.memberships WHERE joined_at < {TODAY}
    ), monthly AS (
        SELECT room_id, date_trunc('month', joined_at AT TIME ZONE 'UTC')::date AS month,
               count(*) AS members,
               count(*) FILTER (WHERE joined_at > (SELECT month_before FROM newest)) AS recent
        FROM public.memberships WHERE joined_at < {TODAY} GROUP BY 1, 2
    ), summed AS (
        SELECT *, sum(members) OVER (PARTITION BY room_id ORDER BY month) AS so_far FROM monthly
    ), counted AS (
        SELECT room_id, sum(members) AS members, sum(recent) AS recent,
               min(month) FILTER (WHERE so_far >= {K}) AS month, sum(members) < {K} AS is_small
        FROM summed GROUP BY room_id
    ), by_country AS (
        SELECT CASE WHEN NOT is_small THEN room.id END AS room_id,
               CASE WHEN NOT is_small THEN room.city_id END AS city_id,
               coalesce(city.country_code, 'unknown') AS country, room.cluster_id,
               sum(members) AS members, sum(recent) AS recent, min(month) AS month
        FROM counted
        JOIN public.rooms AS room ON room.id = counted.room_id
        JOIN public.cities AS city ON city.id = room.city_id
        GROUP BY 1, 2, 3, 4
    ), folded AS (
        SELECT room_id, city_id, CASE WHEN members < {K} THEN 'other' ELSE country END AS country,
               cluster_id, sum(members) AS members, sum(recent) AS recent, min(month) AS month
        FROM by_country GROUP BY 1, 2, 3, 4
    ), shown AS MATERIALIZED (
        SELECT folded.room_id, folded.city_id, coalesce(city.name, 'other') AS city, city.region,
               folded.country::text AS country, folded.room_id IS NULL AS is_other,
               folded.cluster_id AS cluster, cluster.label_en AS cluster_en,
               cluster.label_es AS cluster_es, {rounded("members")} AS members,
               CASE WHEN recent < {K} THEN 0 ELSE {rounded("recent")} END
                   AS members_of_last_30_days,
               CASE WHEN folded.room_id IS NOT NULL THEN recent < {K} END AS is_quiet,
               CASE WHEN folded.room_id IS NOT NULL THEN month END AS established_at
        FROM folded
        JOIN public.clusters AS cluster ON cluster.id = folded.cluster_id
        LEFT JOIN public.cities AS city ON city.id = folded.city_id
        WHERE members >= {K}
        ORDER BY members DESC, country, city, cluster
    )
    SELECT * FROM shown
"""
# People who gave a town and people in its rooms are counted together, so that a row has both.
CITIES = f"""
    WITH pairs AS MATERIALIZED (
        SELECT city_id, room_id, count(*) AS members
        FROM public.memberships WHERE joined_at < {TODAY} GROUP BY 1, 2
    ), of_rooms AS (
        SELECT room_id, sum(members) AS members FROM pairs GROUP BY room_id
    ), counted AS (
        SELECT coalesce(city.merged_into, city.id) AS city_id, pairs.members AS said, 0 AS hosted,
               0 AS rooms
        FROM pairs JOIN public.cities AS city ON city.id = pairs.city_id
        UNION ALL
        SELECT room.city_id, 0, of_rooms.members, (of_rooms.members >= {K})::int
        FROM of_rooms JOIN public.rooms AS room ON room.id = of_rooms.room_id
    ), towns AS (
        SELECT city_id, sum(said) AS said, sum(hosted) AS hosted, sum(rooms) AS rooms
        FROM counted GROUP BY city_id
    ), by_country AS (
        SELECT CASE WHEN greatest(said, hosted) >= {K} THEN towns.city_id END AS city_id,
               coalesce(city.country_code, 'unknown') AS country, city.listed,
               city.hub_id IS NOT NULL AS is_gathered,
               sum(said) AS said, sum(hosted) AS hosted, sum(rooms) AS rooms,
               -- Great-circle distance (haversine).
               sum(said * 2 * 6371.0088 * asin(sqrt(
                   sin(radians(hub.latitude - city.latitude) / 2) ^ 2
                   + cos(radians(city.latitude)) * cos(radians(hub.latitude))
                     * sin(radians(hub.longitude - city.longitude) / 2) ^ 2))) AS km_said
        FROM towns
        JOIN public.cities AS city ON city.id = towns.city_id
        LEFT JOIN public.cities AS hub ON hub.id = city.hub_id
        GROUP BY 1, 2, 3, 4
    ), folded AS (
        SELECT city_id, CASE WHEN greatest(said, hosted) < {K} THEN 'other' ELSE country END
                   AS country,
               listed, is_gathered, sum(said) AS said, sum(hosted) AS hosted, sum(rooms) AS rooms,
               sum(km_said) / nullif(sum(said), 0) AS km
        FROM by_country GROUP BY 1, 2, 3, 4
    ), shown AS MATERIALIZED (
        SELECT folded.city_id, coalesce(city.name, 'other') AS city, city.region,
               folded.country::text AS country, folded.city_id IS NULL AS is_other,
               folded.listed AS is_listed, folded.is_gathered, hub.name AS hub,
               CASE WHEN said >= {K} THEN round(km)::int END AS km_to_hub,
               city.latitude, city.longitude, city.population,
               CASE WHEN said >= {K} THEN {rounded("said")} END AS members_from_here,
               CASE WHEN hosted >= {K} THEN {rounded("hosted")} END AS members_in_rooms,
               rooms::bigint AS rooms
        FROM folded
        LEFT JOIN public.cities AS city ON city.id = folded.city_id
        LEFT JOIN public.cities AS hub ON hub.id = city.hub_id
        WHERE greatest(said, hosted) >= {K}
        ORDER BY members_from_here DESC NULLS LAST, country, city, is_gathered
    )
    SELECT * FROM shown
"""
CLUSTERS = f"""
    WITH of_rooms AS (
        SELECT room_id, count(*) AS members
        FROM public.memberships WHERE joined_at < {TODAY} GROUP BY 1
    ), counted AS (
        SELECT room.cluster_id, sum(members) AS members,
               count(*) FILTER (WHERE members >= {K}) AS rooms
        FROM of_rooms JOIN public.rooms AS room ON room.id = of_rooms.room_id
        GROUP BY 1
    ), named AS (
        SELECT cluster.id AS cluster_id,
               string_agg(coalesce(interest.label_en, top.key), ', ' ORDER BY top.place)
                   AS interests_en,
               string_agg(coalesce(interest.label_es, top.key), ', ' ORDER BY top.place)
                   AS interests_es
        FROM public.clusters AS cluster,
             unnest(cluster.top_interests) WITH ORDINALITY AS top (key, place)
             LEFT JOIN public.interests AS interest USING (key)
        GROUP BY 1
    ), shown AS MATERIALIZED (
        SELECT cluster.id AS cluster, cluster.label_en AS cluster_en,
               cluster.label_es AS cluster_es, interests_en, interests_es,
               cluster.retired_at IS NOT NULL AS is_retired,
               (cluster.retired_at AT TIME ZONE 'UTC')::date AS retired_at, cluster.model_id,
               CASE WHEN members >= {K} THEN {rounded("members")} END AS members,
               coalesce(rooms, 0) AS rooms
        FROM public.clusters AS cluster
        LEFT JOIN counted ON counted.cluster_id = cluster.id
        LEFT JOIN named ON named.cluster_id = cluster.id
        ORDER BY cluster.id
    )
    SELECT * FROM shown
"""
MODELS = f"""
    WITH counted AS (
        SELECT model_id, count(*) AS members
        FROM public.memberships WHERE joined_at < {TODAY} GROUP BY 1
    ), shown AS MATERIALIZED (
        SELECT model.id AS model_id, (trained_at AT TIME ZONE 'UTC')::date AS trained_at,
               (registered_at AT TIME ZONE 'UTC')::date AS registered_at,
               registered_at = max(registered_at) OVER () AS is_latest,
               n_clusters AS clusters, cardinality(interests) AS interests, training_users,
               CASE WHEN members >= {K} THEN {rounded("members")} END AS members
        FROM public.models AS model
        LEFT JOIN counted ON counted.model_id = model.id
        ORDER BY model.registered_at DESC
    )
    SELECT * FROM shown
"""
# Each view with its SQL, its comment and its columns' comments.
VIEWS = {
    "rooms": (
        ROOMS,
        "Rooms with their members. Rooms of too few people are summed in rows 'other'.",
        {
            "room_id": "Number of the room, as the app knows it; null: a row 'other'.",
            "city_id": "The room's city, for joining with cities; null: a row 'other'.",
            "city": "Name of the room's city, which may be the hub of smaller towns; or 'other'.",
            "region": "Region of the city, where it is known.",
            "country": "Country of the city, ISO 3166-1 alpha-2; or 'other', or 'unknown'.",
            "is_other": "True: this row sums rooms that are too small to be shown one by one.",
            "cluster": "Number of the cluster that the room is for.",
            "cluster_en": "The cluster's label in English.",
            "cluster_es": "The cluster's label in Spanish.",
            "members": "People in the room; rounded.",
            "members_of_last_30_days": (
                "Of them, who came in the 30 days up to the newest join of all; rounded, and 0"
                " where they are too few to be shown."
            ),
            "is_quiet": "True: too few came in those 30 days to be shown. Null: a row 'other'.",
            "established_at": (
                "First day of the month in which the room had as many members as a group needs to"
                " be shown; null: a row 'other'."
            ),
        },
    ),
    "cities": (
        CITIES,
        "Places: where people say they are, beside where their rooms are. Places of too few people"
        " are summed in rows 'other'.",
        {
            "city_id": "Number of the place: GeoNames' id if it is listed; null: a row 'other'.",
            "city": "Name of the place; for an unlisted one as people typed it; or 'other'.",
            "region": "Region of the place, where it is known.",
            "country": "Country, ISO 3166-1 alpha-2; or 'other', or 'unknown'.",
            "is_other": "True: this row sums places that are too small to be shown one by one.",
            "is_listed": "True: the gazetteer has the place. False: only people say it is there.",
            "is_gathered": "True: a small town whose people share the rooms of a larger one.",
            "hub": "The city whose rooms they share; null: not gathered, or a row 'other'.",
            "km_to_hub": "Kilometres to the hub; in a row 'other' their mean over people.",
            "latitude": "Degrees north; null where it is not known.",
            "longitude": "Degrees east; null where it is not known.",
            "population": "Inhabitants by GeoNames; null where it is not known.",
            "members_from_here": "People who say they are here; rounded; null: too few.",
            "members_in_rooms": "People in the rooms of this place; rounded; null: too few.",
            "rooms": "Rooms of this place that are large enough to be shown.",
        },
    ),
    "clusters": (
        CLUSTERS,
        "Clusters: what people like together, and how many they are.",
        {
            "cluster": "Number of the cluster; its meaning never changes.",
            "cluster_en": "Label in English.",
            "cluster_es": "Label in Spanish.",
            "interests_en": "What its people like most, in English, the strongest first.",
            "interests_es": "What its people like most, in Spanish, the strongest first.",
            "is_retired": "True: the latest model no longer has it.",
            "retired_at": "Day on which a model came that no longer has it; null: in use.",
            "model_id": "The latest model that has it.",
            "members": "People in its rooms; rounded; null: too few.",
            "rooms": "Its rooms that are large enough to be shown.",
        },
    ),
    "models": (
        MODELS,
        "Models that were put into service, each with the people that it placed.",
        {
            "model_id": "Name of the model: the day it was trained, and a part of its checksum.",
            "trained_at": "Day on which it was trained.",
            "registered_at": "Day on which it was put into service.",
            "is_latest": "True: the one put into service last.",
            "clusters": "How many clusters it has.",
            "interests": "How many interests it knows.",
            "training_users": "People it was trained on.",
            "members": "People whose place it chose last; rounded; null: too few.",
        },
    ),
}


def upgrade() -> None:
    create_tables()
    op.execute("CREATE SCHEMA analytics")
    op.execute(
        "COMMENT ON SCHEMA analytics IS"
        " 'What analysts may read: views of groups of people, never of a person.'"
    )
    for name, (sql, comment, columns) in VIEWS.items():
        op.execute(f"CREATE VIEW analytics.{name} WITH (security_barrier) AS {sql}")
        op.execute(f"COMMENT ON VIEW analytics.{name} IS {quoted(comment)}")
        for column, column_comment in columns.items():
            op.execute(f"COMMENT ON COLUMN analytics.{name}.{column} IS {quoted(column_comment)}")


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def create_tables() -> None:
    op.create_table(
        "analytics_settings",
        sa.Column(
            "id", sa.SmallInteger(), autoincrement=False, nullable=False, comment="1: the one row."
        ),
        sa.Column(
            "min_group",
            sa.Integer(),
            nullable=False,
            comment="People that a group must have to be shown; counts are rounded to it.",
        ),
        sa.CheckConstraint("id = 1", name="ck_analytics_settings_one_row"),
        sa.PrimaryKeyConstraint("id", name="pk_analytics_settings"),
        comment="How the views of the schema analytics keep people apart: one row.",
    )
    op.execute("INSERT INTO analytics_settings (id, min_group) VALUES (1, 5)")
    op.create_table(
        "interests",
        sa.Column("key", sa.Text(), nullable=False, comment="Key of the interest, as stored."),
        sa.Column(
            "interest_group",
            sa.Text(),
            nullable=False,
            comment="sport, culture, food or leisure.",
        ),
        sa.Column("label_es", sa.Text(), nullable=False, comment="Name in Spanish."),
        sa.Column("label_en", sa.Text(), nullable=False, comment="Name in English."),
        sa.PrimaryKeyConstraint("key", name="pk_interests"),
        comment="Interests that people can tick, and what they are called.",
    )


def downgrade() -> None:
    for name in VIEWS:
        op.execute(f"DROP VIEW analytics.{name}")
    op.execute("DROP SCHEMA analytics")
    op.drop_table("interests")
    op.drop_table("analytics_settings")
