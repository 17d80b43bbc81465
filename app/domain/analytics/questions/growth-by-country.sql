-- How do we grow in each country?
--
-- Joins by month and by the country of the city that people gave, also of people erased since.
-- joins sums the regions and clusters of a country, each within 2 of the truth; up to 4 people of a
-- country are in 'other'. Up to 4 people a month are missing.

SELECT joined_month AS month, country, sum(joins)::bigint AS joins
FROM analytics.monthly_joins
GROUP BY 1, 2
ORDER BY 1, 3 DESC, 2
