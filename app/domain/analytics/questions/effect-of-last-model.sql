-- What did the latest model change?
--
-- Each cluster's share of the people who joined before and after the latest model was put into
-- service, in percent. A column is empty if no joins are shown for its period.

WITH joins AS (
    SELECT cluster_en, joins, joined_at >= registered_at AS is_since
    FROM analytics.daily_joins CROSS JOIN analytics.models
    WHERE is_latest
)
SELECT cluster_en AS cluster,
       round(100 * sum(joins) FILTER (WHERE NOT is_since)
             / sum(sum(joins) FILTER (WHERE NOT is_since)) OVER (), 1) AS percent_before,
       round(100 * sum(joins) FILTER (WHERE is_since)
             / sum(sum(joins) FILTER (WHERE is_since)) OVER (), 1) AS percent_since,
       sum(joins)::bigint AS joins
FROM joins
GROUP BY 1
ORDER BY 1;
