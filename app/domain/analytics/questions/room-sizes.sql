-- How large are the rooms?
--
-- Rooms and their members by size. Rooms that are too small to be shown are in the first row,
-- without their number.

SELECT CASE WHEN is_other THEN 'too few to be shown'
            WHEN members < 10 THEN 'under 10' WHEN members < 20 THEN '10 to 19'
            WHEN members < 50 THEN '20 to 49' WHEN members < 200 THEN '50 to 199'
            ELSE '200 and more' END AS size,
       nullif(count(*) FILTER (WHERE NOT is_other), 0) AS rooms, sum(members)::bigint AS members
FROM analytics.rooms
GROUP BY 1
ORDER BY min(CASE WHEN is_other THEN 0 ELSE members END);
