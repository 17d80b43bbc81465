-- Which cities grow, and which have stopped growing?
--
-- Joins of the last four whole weeks and of the four weeks before, and the change in percent. Each
-- week is within 2 of the truth, so each sum is within 8. Cities with a week of under 5 joins are
-- missing, or lack joins_before and growth.

WITH newest AS (
    SELECT max(joined_week) AS week FROM analytics.weekly_joins
), weeks AS (
    SELECT city_id, city, region, country, joins, joined_week > week - 28 AS is_now
    FROM analytics.weekly_joins CROSS JOIN newest
    WHERE joined_week > week - 56 AND kind = 'city' AND NOT is_other
), compared AS (
    SELECT city, region, country,
           CASE WHEN count(*) = 8 THEN sum(joins) FILTER (WHERE NOT is_now) END::bigint
               AS joins_before,
           sum(joins) FILTER (WHERE is_now)::bigint AS joins_now
    FROM weeks
    GROUP BY city_id, city, region, country
    HAVING count(*) FILTER (WHERE is_now) = 4
)
SELECT city, region, country, joins_before,
       round(100.0 * joins_now / joins_before - 100)::int AS growth, joins_now
FROM compared
ORDER BY joins_now DESC, city
LIMIT 20
