"""Views for analysts: sizes and starts of rooms, clusters, models, listed cities, publications."""

from typing import Any

from alembic import context, op

revision = "0022"
down_revision = "0021"

# A function, because EXPLAIN ANALYZE of a query would count the other rows of the table, and each
# place that somebody types is one.
CREATE_LISTED_CITIES = """
    CREATE FUNCTION public.listed_cities() RETURNS TABLE (
        id bigint, name text, region text, country_code text, latitude double precision,
        longitude double precision, population integer
    )
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog ROWS 70000
    AS $$
        SELECT id, name, region, country_code::text, latitude, longitude, population
        FROM public.cities WHERE listed AND kind = 'city'
    $$
"""
VIEWS = ("room_sizes", "room_starts", "clusters", "models", "gazetteer", "publications")


def upgrade() -> None:
    members = context.script.get_revision("0021").module
    create_views_of_rooms(members)
    op.execute(CREATE_LISTED_CITIES)
    op.execute("GRANT EXECUTE ON FUNCTION public.listed_cities() TO PUBLIC")
    create_facts(members)


def create_views_of_rooms(members: Any) -> None:
    members.create_view(
        "room_sizes",
        "Rooms by size and country, also those too small to be shown one by one. members adds up.",
        [
            ("country", "= coalesce(stored.country, 'other')", members.COUNTRY[2]),
            ("is_other", "= stored.country IS NULL", members.IS_OTHER),
            ("members_from", "integer", "Rooms of at least so many people,"),
            (
                "members_to",
                "= CASE stored.members_from WHEN 1 THEN 1 WHEN 2 THEN 4 WHEN 5 THEN 9"
                " WHEN 10 THEN 19 WHEN 20 THEN 49 WHEN 50 THEN 199 END",
                "and at most so many; null: any number.",
            ),
            ("rooms", "bigint", "Rooms of this size; rounded; null: too few."),
            ("members", "bigint", f"In these rooms. {members.MEMBERS}"),
        ],
        order="country, members_from",
        hidden={"country": "text"},
    )
    members.create_view(
        "room_starts",
        "How soon rooms became lively, by the month of their first join. members adds up.",
        [
            ("opened_month", "date", "First day of the month of the first join, UTC."),
            ("rooms", "bigint", "Rooms with members; rounded; null: too few."),
            (
                "rooms_lively",
                "bigint",
                "Those with as many members as a group needs; rounded; null: too few.",
            ),
            (
                "median_days_until_lively",
                "integer",
                "Days from the first join until so many of the present members were in the room,"
                " the median over these; null: too few.",
            ),
            ("members", "bigint", f"In all these rooms. {members.MEMBERS}"),
        ],
    )


def create_facts(members: Any) -> None:
    label = "coalesce(interest.label_{0}, top.key)"
    named = ", ".join(
        f"string_agg({label.format(language)}, ', ' ORDER BY top.place) AS interests_{language}"
        for language in ("en", "es")
    )
    members.create_plain_view(
        "clusters",
        "Clusters with their top interests and present members. members adds up.",
        [
            ("cluster", "= cluster.id", "Number of the cluster; its meaning never changes."),
            ("cluster_en", "= cluster.label_en", "Label in English."),
            ("cluster_es", "= cluster.label_es", "Label in Spanish."),
            ("interests_en", "= named.interests_en", "Top interests, the strongest first."),
            ("interests_es", "= named.interests_es", "The same in Spanish."),
            (
                "is_retired",
                "= cluster.retired_at IS NOT NULL",
                "True: the latest model no longer has this cluster.",
            ),
            (
                "retired_day",
                "= (cluster.retired_at AT TIME ZONE 'UTC')::date",
                "Day on which a model without this cluster was put into service; null: in use.",
            ),
            ("model_id", "= cluster.model_id", "Latest model with this cluster."),
            ("members", "= (published.cells ->> 'members')::bigint", members.MEMBERS),
            (
                "rooms",
                "= coalesce(shown.rooms, 0)",
                "Rooms of this cluster that are large enough to be shown one by one.",
            ),
        ],
        f"""FROM public.clusters AS cluster
            LEFT JOIN public.published ON published.view = 'clusters'
                AND (published.cells ->> 'cluster')::smallint = cluster.id
            LEFT JOIN (
                SELECT (cells ->> 'cluster')::smallint AS cluster_id, count(*) AS rooms
                FROM public.published
                WHERE view = 'rooms' AND cells ->> 'room_id' IS NOT NULL GROUP BY 1
            ) AS shown ON shown.cluster_id = cluster.id
            LEFT JOIN (
                SELECT labelled.id, {named}
                FROM public.clusters AS labelled
                CROSS JOIN LATERAL unnest(labelled.top_interests)
                    WITH ORDINALITY AS top (key, place)
                LEFT JOIN public.interests AS interest ON interest.key = top.key
                GROUP BY 1
            ) AS named ON named.id = cluster.id
            ORDER BY 1""",
    )
    members.create_plain_view(
        "models",
        "Models that were put into service, with the number of people assigned by each. members"
        " adds up.",
        [
            ("model_id", "= model.id", "Day of training and the first digits of its checksum."),
            ("trained_day", "= (trained_at AT TIME ZONE 'UTC')::date", "Day of training."),
            (
                "registered_day",
                "= (registered_at AT TIME ZONE 'UTC')::date",
                "Day on which the model was put into service.",
            ),
            (
                "is_latest",
                "= registered_at = max(registered_at) OVER ()",
                "True: the model that was put into service last.",
            ),
            ("clusters", "= n_clusters", "Number of clusters."),
            ("interests", "= cardinality(model.interests)", "Number of interests."),
            ("training_users", "= training_users", "Number of people in the training data."),
            (
                "members",
                "= (published.cells ->> 'members')::bigint",
                "People whom this model assigned last; rounded; null: too few.",
            ),
        ],
        """FROM public.models AS model
           LEFT JOIN public.published ON published.view = 'models'
               AND published.cells ->> 'model_id' = model.id
           ORDER BY registered_at DESC""",
    )
    members.create_plain_view(
        "gazetteer",
        "Listed cities, whether or not anybody is there: facts by GeoNames.",
        [
            ("city_id", "= id", "City id, for joining with cities."),
            ("city", "= name", "Name of the city."),
            ("region", "= region", "Region, where it is known."),
            ("country", "= country_code", "Country, ISO 3166-1 alpha-2."),
            ("latitude", "= latitude", "Degrees north."),
            ("longitude", "= longitude", "Degrees east."),
            ("population", "= population", "Inhabitants."),
        ],
        "FROM public.listed_cities()",
    )
    members.create_plain_view(
        "publications",
        "The days up to which the views were brought up to date.",
        [
            ("last_day", "= until - 1", "The last day, in UTC, that was counted."),
            ("smallest_group", "= min_group", "Smallest group that was shown."),
        ],
        "FROM public.publications ORDER BY until DESC",
    )


def downgrade() -> None:
    for name in VIEWS:
        op.execute(f"DROP VIEW analytics.{name}")
    op.execute("DROP FUNCTION public.listed_cities()")
