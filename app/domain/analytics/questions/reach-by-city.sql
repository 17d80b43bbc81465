-- In which large cities do few people know us?
--
-- Cities of at least 200,000 inhabitants, in countries where we have people, with our members per
-- 100,000 inhabitants, the fewest first. members_from_here is within 2 of the truth when it was
-- published and empty if there are under 5, or none: at_most_per_100000 is computed with 2 more, or
-- with 4, so that it is never below the truth.
-- Present members are counted in batches, so that a group may be behind by under 5 people, and
-- until its lot is drawn by under 50.

SELECT place.city, place.region, place.country, place.population, members_from_here,
       round(100000.0 * coalesce(members_from_here + 2, 4) / place.population, 2)
           AS at_most_per_100000
FROM analytics.gazetteer AS place LEFT JOIN analytics.cities USING (city_id)
WHERE place.population >= 200000 AND place.country IN (SELECT country FROM analytics.cities)
ORDER BY at_most_per_100000, place.population DESC, place.city
LIMIT 20
