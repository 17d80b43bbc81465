-- In which large cities do few people know us?
--
-- Cities of at least 200,000 inhabitants with our members per 100,000 inhabitants, the fewest
-- first. Cities with too few members to be shown are missing.

SELECT city, region, country, population, members_from_here,
       round(100000.0 * members_from_here / population, 1) AS per_100000
FROM analytics.cities
WHERE population >= 200000 AND members_from_here IS NOT NULL
ORDER BY per_100000, population DESC
LIMIT 20;
