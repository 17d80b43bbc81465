-- Do old rooms stay alive?
--
-- Rooms by the month in which they reached the minimum group size, and the number of them that
-- people joined in the last 30 days. percent is the share of those.

SELECT established_at AS month, count(*) AS rooms, sum(members)::bigint AS members,
       count(*) FILTER (WHERE NOT is_quiet) AS rooms_alive,
       round(100.0 * count(*) FILTER (WHERE NOT is_quiet) / count(*), 1) AS percent
FROM analytics.rooms
WHERE NOT is_other
GROUP BY 1
ORDER BY 1;
