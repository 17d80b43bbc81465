-- How many people have not named a city?
--
-- People by the kind of the place that they gave: a city, only an area (a country, a region or an
-- island), or no place. The app can ask the people of areas for their city. places are those of at
-- least 5 people. members sums these and the regions' smaller places, each within 2 of the truth
-- when it was published, and up to 12 people of a kind are missing: together within 2 % or 20
-- people.
-- Present members are counted in batches, so that a group may be behind by under 5 people, and
-- until its lot is drawn by under 50.

SELECT kind, count(*) FILTER (WHERE NOT is_other) AS places,
       sum(members_from_here)::bigint AS members
FROM analytics.cities
WHERE members_from_here IS NOT NULL
GROUP BY 1
ORDER BY 3 DESC, 1
