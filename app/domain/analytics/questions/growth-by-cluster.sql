-- Which clusters grow?
--
-- Joins by month and cluster, and the cluster's share of the month's joins in percent. A growing
-- share means that new people have other interests than those before.

SELECT month, cluster_en AS cluster, sum(joins)::bigint AS joins,
       round(100 * sum(joins) / sum(sum(joins)) OVER (PARTITION BY month), 1) AS percent
FROM (
    SELECT *, date_trunc('month', joined_at)::date AS month FROM analytics.daily_joins
) AS months
GROUP BY 1, 2
ORDER BY 1, 3 DESC, 2;
