-- On which days of the week do people come?
--
-- Of all people who came, by the day of the week in UTC. A campaign does best when people come
-- anyway.

SELECT to_char(joined_at, 'FMDay') AS weekday, sum(joins)::bigint AS joins,
       round(100 * sum(joins) / sum(sum(joins)) OVER (), 1) AS percent
FROM analytics.daily_joins
GROUP BY extract(isodow FROM joined_at), 1
ORDER BY extract(isodow FROM joined_at);
