"""The figures of the people who are members at the time of a publication."""

from app.domain.analytics.figures import BEFORE_TODAY, MONTH, Figures, liked

PLACE = "city.region, coalesce(city.country_code, 'unknown') AS country, city.kind"
# The city that a member gave, or the one it was merged into.
TOWN = """
    JOIN cities AS said ON said.id = member.city_id
    JOIN cities AS city ON city.id = coalesce(said.merged_into, said.id)
"""
# Lower bounds of the sizes of rooms.
SIZES = "ARRAY[1, 2, 5, 10, 20, 50, 200]"
SIZE = f"({SIZES})[width_bucket(members, {SIZES})]"
OF_ROOMS = f"SELECT room_id, count(*) AS members FROM memberships WHERE {BEFORE_TODAY} GROUP BY 1"
# The members of each room by the month in which they came, and how many there were then.
SO_FAR = f"""
    SELECT *, sum(entered) OVER (PARTITION BY room_id ORDER BY month) AS so_far
    FROM (
        SELECT room_id, {MONTH.format("joined_at")} AS month, count(*) AS entered
        FROM memberships WHERE {BEFORE_TODAY} GROUP BY 1, 2
    ) AS monthly
"""
ROOMS = f"""
    SELECT room.id AS room_id, room.city_id, {PLACE}, room.cluster_id AS cluster,
           members AS size, members, sum(members) OVER (PARTITION BY room.city_id) AS of_city,
           {MONTH.format("room.created_at")} AS opened_month, lively_month
    FROM (
        SELECT room_id, sum(entered) AS members,
               min(month) FILTER (WHERE so_far >= %(k)s) AS lively_month
        FROM ({SO_FAR}) AS so_far GROUP BY 1
    ) AS counted
    JOIN rooms AS room ON room.id = counted.room_id
    JOIN cities AS city ON city.id = room.city_id
"""
# People who gave a town and people in its rooms are counted together: a row has both.
CITIES = f"""
    SELECT city.id AS city_id, {PLACE}, city.listed AS is_listed,
           city.hub_id IS NOT NULL AS is_gathered, greatest(said, hosted) AS size,
           said AS members_from_here, hosted AS members_in_rooms,
           -- Great-circle distance (haversine).
           said * 2 * 6371.0088 * asin(sqrt(
               sin(radians(hub.latitude - city.latitude) / 2) ^ 2
               + cos(radians(city.latitude)) * cos(radians(hub.latitude))
                 * sin(radians(hub.longitude - city.longitude) / 2) ^ 2)) AS km_said
    FROM (
        SELECT city_id, sum(said) AS said, sum(hosted) AS hosted
        FROM (
            SELECT coalesce(city.merged_into, city.id) AS city_id, said, 0 AS hosted
            FROM (SELECT city_id, count(*) AS said FROM memberships WHERE {BEFORE_TODAY} GROUP BY 1)
                AS counted
            JOIN cities AS city ON city.id = counted.city_id
            UNION ALL
            SELECT room.city_id, 0, members
            FROM ({OF_ROOMS}) AS counted JOIN rooms AS room ON room.id = counted.room_id
        ) AS both_counts
        GROUP BY 1
    ) AS towns
    JOIN cities AS city ON city.id = towns.city_id
    LEFT JOIN cities AS hub ON hub.id = city.hub_id
"""
CLUSTERS = f"""
    SELECT room.cluster_id AS cluster, sum(members) AS size, sum(members) AS members
    FROM ({OF_ROOMS}) AS counted JOIN rooms AS room ON room.id = counted.room_id
    GROUP BY 1
"""
MODELS = f"""
    SELECT model_id, count(*) AS size, count(*) AS members
    FROM memberships WHERE {BEFORE_TODAY} GROUP BY 1
"""
PEOPLE_OF_CITIES = f"""
    SELECT city.id AS city_id, {PLACE}, interests
    FROM memberships AS member {TOWN} WHERE {BEFORE_TODAY}
"""
PEOPLE = f"SELECT interests FROM memberships WHERE {BEFORE_TODAY}"
# Those whose latest move was their own: no command is known for it, and their room before is open.
MOVERS = f"""
    SELECT interests FROM memberships AS member
    WHERE {BEFORE_TODAY} AND previous_room_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM room_redirects WHERE id = previous_room_id)
      AND NOT EXISTS (
          SELECT FROM room_changes AS change
          WHERE (change.user_id, change.from_room, change.to_room)
              = (member.user_id, previous_room_id, room_id))
"""
ROOM_SIZES = f"""
    SELECT coalesce(city.country_code, 'unknown') AS country, {SIZE} AS members_from,
           sum(members) AS size, sum(members) AS members, count(*) AS rooms
    FROM ({OF_ROOMS}) AS counted
    JOIN rooms AS room ON room.id = counted.room_id
    JOIN cities AS city ON city.id = room.city_id
    GROUP BY 1, 2
"""
# A room is lively from the day on which as many of its present members were in it as a group needs.
ROOM_STARTS = f"""
    SELECT {MONTH.format("room.created_at")} AS opened_month, sum(members) AS size,
           sum(members) AS members, count(*) AS rooms, count(lively_at) AS rooms_lively,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY greatest(0, extract(
               epoch FROM lively_at - room.created_at) / 86400))
               FILTER (WHERE lively_at IS NOT NULL) AS days
    FROM (
        SELECT room_id, count(*) AS members,
               max(joined_at) FILTER (WHERE place = %(k)s) AS lively_at
        FROM (
            SELECT room_id, joined_at,
                   row_number() OVER (PARTITION BY room_id ORDER BY joined_at) AS place
            FROM memberships WHERE {BEFORE_TODAY}
        ) AS placed
        GROUP BY 1
    ) AS counted
    JOIN rooms AS room ON room.id = counted.room_id
    GROUP BY 1
"""
CITY_FOLDS = (("city_id",), ("region",), ("country",))
PRESENT = (
    Figures(
        "rooms",
        ROOMS,
        ("room_id", "city_id", "region", "country", "kind", "cluster"),
        folds=(("room_id", "city_id"), ("region",), ("country",)),
        carried={"of_city": "max", "opened_month": "min", "lively_month": "min"},
        cells={
            name: f"CASE WHEN room_id IS NOT NULL THEN {name} END"
            for name in ("opened_month", "lively_month")
        },
        identity="room_id",
        # All rooms of a city are renewed at once: each alone would show who was the last of K.
        trigger="CASE WHEN room_id IS NULL THEN size ELSE of_city END",
    ),
    Figures(
        "cities",
        CITIES,
        ("city_id", "region", "country", "kind", "is_listed", "is_gathered"),
        ("members_from_here", "members_in_rooms"),
        folds=CITY_FOLDS,
        carried={"km_said": "sum"},
        cells={
            "km_to_hub": "CASE WHEN members_from_here >= %(k)s"
            " THEN round(km_said / members_from_here) END"
        },
        identity="city_id",
    ),
    Figures("clusters", CLUSTERS, ("cluster",)),
    Figures("models", MODELS, ("model_id",)),
    Figures(
        "city_interests",
        liked(PEOPLE_OF_CITIES, "city_id", "region", "country", "kind"),
        ("city_id", "region", "country", "kind"),
        cells={"likes": "coalesce(likes, '{}')"},
        identity="city_id",
    ),
    Figures("interests", liked(PEOPLE), (), cells={"likes": "coalesce(likes, '{}')"}),
    Figures("mover_interests", liked(MOVERS), (), cells={"likes": "coalesce(likes, '{}')"}),
    Figures(
        "room_sizes",
        ROOM_SIZES,
        ("country", "members_from"),
        ("members", "rooms"),
        folds=(("country",),),
    ),
    Figures(
        "room_starts",
        ROOM_STARTS,
        ("opened_month",),
        ("members", "rooms", "rooms_lively"),
        cells={
            "median_days_until_lively": "CASE WHEN rooms_lively >= %(k)s THEN round(days::numeric)"
            " END"
        },
        carried={"days": "max"},
    ),
)
