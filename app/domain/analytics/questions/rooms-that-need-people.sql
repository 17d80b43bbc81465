-- Which rooms need people most?
--
-- The smallest rooms of cities that have larger ones: the people are there, but not for this
-- cluster. Rooms that are too small to be shown are not here; 'lonely-people' counts who is in
-- them.

WITH rooms AS MATERIALIZED (
    SELECT *, sum(members) OVER (PARTITION BY city_id) AS members_in_city
    FROM analytics.rooms
    WHERE NOT is_other
)
SELECT room_id, city, country, cluster_en AS cluster, is_quiet,
       members_in_city::bigint AS members_in_city, members
FROM rooms
ORDER BY members, members_in_city DESC, room_id
LIMIT 20;
