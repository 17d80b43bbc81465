-- On which days of the week do people join?
--
-- Joins by the day of the week in UTC. A campaign works best on days on which many people join.

SELECT to_char(joined_at, 'FMDay') AS weekday, sum(joins)::bigint AS joins,
       round(100 * sum(joins) / sum(sum(joins)) OVER (), 1) AS percent
FROM analytics.daily_joins
GROUP BY extract(isodow FROM joined_at), 1
ORDER BY extract(isodow FROM joined_at);
