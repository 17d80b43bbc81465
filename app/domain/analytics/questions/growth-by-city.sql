-- Which cities grow, and which have stopped growing?
--
-- Joins of the last four whole weeks and of the four weeks before. A week in which a city had too
-- few joins to be shown counts as 0, so growth, the change in percent, is only shown for cities
-- with at least 20 joins before.

WITH joins AS MATERIALIZED (
    SELECT * FROM analytics.weekly_joins WHERE joined_at + 7 <= current_date
), newest AS (
    SELECT max(joined_at) AS week FROM joins
), compared AS (
    SELECT city, region, country,
           coalesce(sum(joins) FILTER (WHERE joined_at <= week - 28), 0)::bigint AS joins_before,
           coalesce(sum(joins) FILTER (WHERE joined_at > week - 28), 0)::bigint AS joins_now
    FROM joins, newest
    WHERE joined_at > week - 56 AND kind = 'city'
    GROUP BY city_id, city, region, country
)
SELECT *, CASE WHEN joins_before >= 20
               THEN round(100.0 * joins_now / joins_before - 100)::int END AS growth
FROM compared
ORDER BY joins_now DESC, city
LIMIT 20;
