-- Which rooms need people most?
--
-- The smallest rooms, with the people in all rooms of their city: a large city lacks people of
-- this cluster only. Rooms that are too small to be shown are missing; 'lonely-people' counts
-- their members.

WITH rooms AS MATERIALIZED (
    SELECT *, sum(members) OVER (PARTITION BY city_id) AS members_in_city
    FROM analytics.rooms
    WHERE NOT is_other AND kind = 'city'
)
SELECT room_id, city, country, cluster_en AS cluster, is_quiet,
       members_in_city::bigint AS members_in_city, members
FROM rooms
ORDER BY members, members_in_city DESC, room_id
LIMIT 20;
