-- How do we grow in each country?
--
-- Joins by month and by the country of the city that people gave. Countries with few joins on a
-- day are in 'other' on that day.

SELECT date_trunc('month', joined_at)::date AS month, country, sum(joins)::bigint AS joins
FROM analytics.daily_joins
GROUP BY 1, 2
ORDER BY 1, 3 DESC, 2;
