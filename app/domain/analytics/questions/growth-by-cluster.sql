-- Which clusters grow?
--
-- Joins by month and cluster, and the cluster's share of the month's joins in percent. A growing
-- share means that new people have other interests than those before. joins is within 2 of the
-- truth, and percent within 1 point in a month of 500 joins. A cluster of under 15 joins in a month
-- may be missing.

WITH months AS (
    -- A month's joins of a cluster are repeated on each of its interests.
    SELECT joined_month, cluster_en, max(members) AS joins
    FROM analytics.interest_popularity
    GROUP BY joined_month, cluster, cluster_en
)
SELECT joined_month AS month, cluster_en AS cluster, joins,
       round(100 * joins / sum(joins) OVER (PARTITION BY joined_month), 1) AS percent
FROM months
ORDER BY month, percent DESC, cluster
