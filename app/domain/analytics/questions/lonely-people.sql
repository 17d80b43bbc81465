-- Where are people in rooms that are too small?
--
-- For each country, people in rooms that are too small for a conversation (below the minimum group
-- size), and their percentage. `manage.py cities gather` helps.

SELECT country, sum(members)::bigint AS members,
       coalesce(sum(members) FILTER (WHERE is_other), 0)::bigint AS members_in_small_rooms,
       round(100 * coalesce(sum(members) FILTER (WHERE is_other), 0) / sum(members), 1) AS percent
FROM analytics.rooms
GROUP BY 1
ORDER BY members_in_small_rooms DESC, country;
