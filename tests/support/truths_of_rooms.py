"""The true answers to the questions about rooms and moves."""

from tests.support.truth import Truth

TRUTHS = {
    "arrivals-and-departures": Truth(
        "city region country",
        {"arrivals": "b", "departures": "b", "net_arrivals": "net_b"},
        """SELECT name AS city, region, country_code::text AS country, 2 * count(*) AS b,
               sum(i) AS arrivals, sum(o) AS departures, sum(i) - sum(o) AS net_arrivals,
               4 * count(*) AS net_b
           FROM (
               SELECT month, id, CASE WHEN sum(i) >= 5 THEN sum(i) ELSE 0 END AS i,
                      CASE WHEN sum(o) >= 5 THEN sum(o) ELSE 0 END AS o
               FROM (
                   SELECT month, unnest(ARRAY[to_id, from_id]) AS id, unnest(ARRAY[1, 0]) AS i,
                          unnest(ARRAY[0, 1]) AS o
                   FROM move WHERE is_open AND to_id <> from_id
               ) AS ends GROUP BY 1, 2 HAVING greatest(sum(i), sum(o)) >= 5
           ) AS months JOIN cities USING (id) GROUP BY cities.id, 1, 2, 3""",
        absent=0,
    ),
    "cluster-mix-by-city": Truth(
        "city country cluster",
        {"members": 2, "points_more": "b"},
        """SELECT name AS city, country_code::text AS country, cluster, count(*) AS members,
               400 / sum(count(*)) OVER (PARTITION BY host_id) + 0.1 AS b,
               100 * (count(*) / sum(count(*)) OVER (PARTITION BY host_id)
                   - sum(count(*)) OVER (PARTITION BY cluster) / sum(count(*)) OVER ())
                   AS points_more
           FROM person JOIN cities ON cities.id = host_id GROUP BY host_id, 1, 2, 3""",
        rows=40,
    ),
    "distance-to-rooms": Truth(
        "distance",
        {"members": "b", "mean_km": 1},
        """SELECT CASE WHEN n < 5 THEN 'any: towns of under 5' WHEN km < 5 THEN 'under 5 km'
                       WHEN km < 10 THEN '5 to 9 km' WHEN km < 20 THEN '10 to 19 km'
                       ELSE '20 km and more' END AS distance,
               sum(n) AS members, sum(n * km) / sum(n) AS mean_km,
               CASE WHEN min(n) < 5 THEN 2 * count(DISTINCT region) + 4 ELSE 2 * count(*) END AS b
           FROM (SELECT region, km, count(*) AS n FROM person WHERE hub_id IS NOT NULL
                 GROUP BY city_id, 1, 2) AS towns
           GROUP BY 1""",
        absent=0,
    ),
    "effect-of-gathering": Truth(
        "month",
        {"members": 2, "median_room_before": 0, "median_room_after": 0},
        """SELECT date_trunc('month', at AT TIME ZONE 'UTC')::date AS month, count(*) AS members,
               percentile_disc(0.5) WITHIN GROUP (ORDER BY n) AS median_room_before,
               percentile_disc(0.5) WITHIN GROUP (ORDER BY members) AS median_room_after
           FROM (SELECT *, count(*) OVER (PARTITION BY previous_room_id) AS n FROM person) AS mover
           JOIN room_redirects AS gone ON gone.id = previous_room_id
           JOIN room ON room.room_id = mover.room_id
           GROUP BY 1""",
        absent=4,
    ),
    "lonely-people": Truth(
        "country",
        {"members": "b", "members_in_small_rooms": 8, "percent": "percent_b"},
        """SELECT *, 100.0 * members_in_small_rooms / members AS percent,
               100.0 * (8 + 18.0 * members_in_small_rooms / members) / members + 0.1 AS percent_b
           FROM (
               SELECT country_code::text AS country, sum(members) AS members, 18 AS b,
                      coalesce(sum(members) FILTER (WHERE members < 5), 0) AS members_in_small_rooms
               FROM room JOIN cities ON cities.id = city_id GROUP BY 1
           ) AS countries""",
        absent=8,
    ),
    "moves-between-cities": Truth(
        "from_city from_country to_city to_country reason",
        {"members": "b"},
        """SELECT from_city, from_country, to_city, to_country, reason, sum(n) AS members,
               2 * count(*) AS b
           FROM (
               SELECT from_city, from_country, to_city, to_country, reason, from_id, to_id,
                      count(*) AS n
               FROM move WHERE from_id <> to_id GROUP BY month, 1, 2, 3, 4, 5, 6, 7
               HAVING count(*) >= 5
           ) AS months GROUP BY 1, 2, 3, 4, 5""",
        rows=20,
        top=1,
    ),
    "moves-between-clusters": Truth(
        "from_cluster to_cluster",
        {"members": "b"},
        """SELECT from_cluster, to_cluster, sum(n) AS members, 2 * count(*) AS b
           FROM (
               SELECT from_cluster, to_cluster, count(*) AS n FROM move
               WHERE from_cluster <> to_cluster GROUP BY 1, 2, month, reason HAVING count(*) >= 5
           ) AS months GROUP BY 1, 2""",
        absent=0,
    ),
    "moves-by-reason": Truth(
        "month reason",
        {"members": 14},
        "SELECT month, reason, count(*) AS members FROM move GROUP BY 1, 2",
        absent=4,
    ),
    "people-in-lively-rooms": Truth(
        "month country",
        {"members": "b", "members_in_lively_rooms": "lively_b", "percent": "percent_b"},
        """SELECT *, 100 * members_in_lively_rooms / members AS percent,
               100 * (lively_b + b * members_in_lively_rooms / members) / members + 0.1 AS percent_b
           FROM (
               SELECT month, coalesce(country, 'all') AS country, sum(in_room) AS members,
                      coalesce(sum(in_room) FILTER (WHERE in_room >= 5), 0)
                          AS members_in_lively_rooms,
                      CASE WHEN country IS NULL THEN 2 * count(DISTINCT country) + 6 ELSE 2 END
                          AS b,
                      CASE WHEN country IS NULL THEN 4 * count(DISTINCT country) + 8 ELSE 4 END
                          AS lively_b
               FROM month_end GROUP BY GROUPING SETS ((month, country), (month))
           ) AS months""",
        absent=4,
    ),
    "room-retention": Truth(
        "month",
        {"rooms": 2, "rooms_joined": 2, "members": 2, "percent": "b"},
        """SELECT *, 100.0 * rooms_joined / rooms AS percent, 400.0 / greatest(1, rooms - 2) + 0.1
                   AS b
           FROM (
               SELECT month, count(*) AS rooms, sum(members) AS members,
                      count(*) FILTER (WHERE EXISTS (
                          SELECT FROM person WHERE person.room_id = room.room_id
                          AND day >= %(until)s::date - interval '1 month')) AS rooms_joined
               FROM room WHERE members >= 5 GROUP BY 1
           ) AS months""",
        absent=0,
    ),
    "room-sizes": Truth(
        "size",
        {"members": "b", "rooms": "rooms_b"},
        """SELECT size, sum(members) AS members, count(*) AS rooms,
               2 * (count(DISTINCT country_code) + 1) + 4 AS b,
               4 * (count(DISTINCT country_code) + 1) AS rooms_b
           FROM (
               SELECT *, CASE WHEN members = 1 THEN '1' WHEN members < 5 THEN '2 to 4'
                   WHEN members < 10 THEN '5 to 9' WHEN members < 20 THEN '10 to 19'
                   WHEN members < 50 THEN '20 to 49' WHEN members < 200 THEN '50 to 199'
                   ELSE '200 and more' END AS size
               FROM room JOIN cities ON cities.id = city_id
           ) AS sized GROUP BY 1""",
        absent=4,
    ),
    "rooms-that-need-people": Truth(
        "room_id",
        {"members": 2, "members_in_city": 2},
        """SELECT * FROM (
               SELECT room_id, members, sum(members) OVER (PARTITION BY city_id) AS members_in_city
               FROM room
           ) AS rooms WHERE members >= 5""",
        rows=20,
        top=-1,
    ),
    "time-until-lively": Truth(
        "month",
        {"rooms": 2, "rooms_lively": 2, "median_days": 0.5, "percent": "b"},
        """SELECT month, count(*) AS rooms, count(fifth) AS rooms_lively,
               100.0 * count(fifth) / count(*) AS percent, 400.0 / count(*) + 0.1 AS b,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM fifth - created_at))
                   FILTER (WHERE fifth IS NOT NULL) / 86400 AS median_days
           FROM (
               SELECT room.month, room.created_at,
                      (array_agg(joined_at ORDER BY joined_at))[5] AS fifth
               FROM room JOIN memberships USING (room_id) GROUP BY room_id, 1, 2
           ) AS rooms GROUP BY 1""",
        absent=4,
    ),
    "where-to-open-next": Truth(
        "city region country hub",
        {"members_from_here": 2, "km_to_hub": 1},
        """SELECT city, region, country, hub, count(*) AS members_from_here, min(km) AS km_to_hub
           FROM person WHERE hub IS NOT NULL GROUP BY city_id, 1, 2, 3, 4""",
        rows=20,
        top=1,
    ),
}
