-- Which towns are not in the gazetteer?
--
-- Places that people typed and that the gazetteer lacks. Merge a misspelled city into the right
-- one with `manage.py cities unlisted` and `cities merge`. The row 'other' sums the rest.

SELECT city, country, is_other, members_from_here
FROM analytics.cities
WHERE NOT is_listed AND kind = 'city' AND members_from_here IS NOT NULL
ORDER BY members_from_here DESC, city;
