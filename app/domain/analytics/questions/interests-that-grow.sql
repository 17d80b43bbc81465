-- Which interests grow?
--
-- Percentage of people with an interest, among those who joined in the last three months and in
-- the three months before. points is the difference in percentage points.

WITH liked AS MATERIALIZED (
    SELECT *, max(joined_at) OVER () AS newest FROM analytics.interest_popularity
), parts AS (
    SELECT interest_en, interest_group,
           100 * sum(members_who_like) FILTER (WHERE joined_at > newest - interval '3 months')
             / sum(members) FILTER (WHERE joined_at > newest - interval '3 months') AS now,
           100 * sum(members_who_like) FILTER (WHERE joined_at <= newest - interval '3 months')
             / sum(members) FILTER (WHERE joined_at <= newest - interval '3 months') AS before
    FROM liked
    WHERE joined_at > newest - interval '6 months'
    GROUP BY 1, 2
)
SELECT interest_en AS interest, interest_group, round(before, 1) AS percent_before,
       round(now, 1) AS percent_now, round(now - before, 1) AS points
FROM parts
WHERE now IS NOT NULL AND before IS NOT NULL
ORDER BY points DESC, interest;
