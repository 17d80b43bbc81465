-- Which towns are not in the gazetteer?
--
-- Places that people typed and that the gazetteer lacks. Merge a misspelled city into the right one
-- with `manage.py cities unlisted` and `cities merge`. members_from_here is within 2 of the truth
-- when it was published. Places of under 5 people are in 'other', by country where they are 5
-- together.
-- Present members are counted in batches, so that a group may be behind by under 5 people, and
-- until its lot is drawn by under 50.

SELECT city, country, is_other, members_from_here
FROM analytics.cities
WHERE NOT is_listed AND kind = 'city' AND members_from_here IS NOT NULL
ORDER BY members_from_here DESC, city, country
