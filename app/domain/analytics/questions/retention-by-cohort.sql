-- How many of each month's people are still members?
--
-- Of the people who joined in a month, those who were erased until the end of the latest whole
-- month, and the percentage who are still members. Who came back under another id, or stays without
-- coming back, is not known here. joins sums regions and clusters, each within 2 of the truth. In
-- each month since, erased is within 2, or lacks up to 4: under 5 people of a month are not told
-- apart by the month in which they joined.

WITH joins AS (
    SELECT joined_month, sum(joins) AS joins FROM analytics.monthly_joins GROUP BY 1
), erased AS (
    SELECT joined_month, sum(members) AS erased FROM analytics.cohort_deletions GROUP BY 1
)
SELECT joined_month AS month, joins::bigint AS joins, coalesce(erased, 0)::bigint AS erased,
       round(100 - 100 * coalesce(erased, 0) / joins, 1) AS percent
FROM joins LEFT JOIN erased USING (joined_month)
ORDER BY 1
