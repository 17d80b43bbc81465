-- Which interests grow?
--
-- Percentage of people with an interest, among those who joined in the last three whole months and
-- in the three months before. points is the difference in percentage points. Within a month and
-- cluster, an interest that under 5 people have, or all but under 5, counts as 0, and other numbers
-- are within 2 of the truth: with four clusters and 5,000 joins in three months, percent is at most
-- 1 point too low.

WITH liked AS MATERIALIZED (
    SELECT *, joined_month > max(joined_month) OVER () - interval '3 months' AS is_now
    FROM analytics.interest_popularity
    WHERE joined_month > (SELECT max(joined_month) - interval '6 months'
                          FROM analytics.interest_popularity)
), people AS (
    SELECT sum(members) FILTER (WHERE is_now) AS now,
           sum(members) FILTER (WHERE NOT is_now) AS before
    FROM (SELECT DISTINCT joined_month, cluster, members, is_now FROM liked) AS groups
), shares AS (
    SELECT interest_en, interest_group,
           100 * sum(members_who_like) FILTER (WHERE is_now) / now AS now,
           100 * sum(members_who_like) FILTER (WHERE NOT is_now) / before AS before
    FROM liked CROSS JOIN people
    GROUP BY interest_en, interest_group, people.now, people.before
)
SELECT interest_en AS interest, interest_group, round(before, 1) AS percent_before,
       round(now, 1) AS percent_now, round(now - before, 1) AS points
FROM shares
WHERE now IS NOT NULL AND before IS NOT NULL
ORDER BY points DESC, interest
