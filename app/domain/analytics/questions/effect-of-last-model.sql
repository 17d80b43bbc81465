-- What did the latest model change?
--
-- Each cluster's share of the people who joined in the three months before the latest model was put
-- into service and in the months since, in percent, and the change in percentage points. The month
-- of the change itself is left out; columns are empty until the month after it is over. Each
-- month's number of a cluster is within 2 of the truth, so the shares of 250 people a month are
-- within 1 point. A cluster of under 15 people in a month may be missing.

WITH joins AS MATERIALIZED (
    SELECT joined_month, cluster, cluster_en, max(members) AS joins
    FROM analytics.interest_popularity
    GROUP BY 1, 2, 3
), model AS (
    SELECT date_trunc('month', registered_day::timestamp)::date AS month
    FROM analytics.models
    WHERE is_latest
), sums AS (
    SELECT cluster, cluster_en,
           sum(joins) FILTER (WHERE joined_month < month) AS before,
           sum(joins) FILTER (WHERE joined_month > month) AS since
    FROM joins CROSS JOIN model
    WHERE joined_month > month
       OR joined_month IN (SELECT DISTINCT joined_month FROM joins WHERE joined_month < month
                           ORDER BY 1 DESC LIMIT 3)
    GROUP BY 1, 2
)
SELECT cluster_en AS cluster, round(100 * before / sum(before) OVER (), 1) AS percent_before,
       round(100 * since / sum(since) OVER (), 1) AS percent_since,
       round(100 * since / sum(since) OVER () - 100 * before / sum(before) OVER (), 1) AS points
FROM sums
ORDER BY points DESC NULLS LAST, sums.cluster
