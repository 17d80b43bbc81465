-- Which rooms need people most?
--
-- The smallest rooms of at least 5 people, with the people in all rooms of their city: a large city
-- lacks people of this cluster only. Both numbers are within 2 of the truth when it was published.
-- Smaller rooms are missing; 'lonely-people' counts their members.
-- Present members are counted in batches, so that a group may be behind by under 5 people, and
-- until its lot is drawn by under 50.

SELECT room_id, city, rooms.country, cluster_en AS cluster, members_in_rooms AS members_in_city,
       members
FROM analytics.rooms JOIN (
    SELECT city_id, members_in_rooms FROM analytics.cities
) AS cities USING (city_id)
WHERE kind = 'city' AND NOT is_other
ORDER BY members, members_in_city DESC, room_id
LIMIT 20
