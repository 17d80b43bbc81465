-- Which towns could have rooms of their own next?
--
-- Towns that use the rooms of a hub, those with the most people first. When a town has enough
-- people for four rooms, `cities release` gives it its own. members_from_here is within 2 of the
-- truth when it was published. Towns of under 5 people are missing.
-- Present members are counted in batches, so that a group may be behind by under 5 people, and
-- until its lot is drawn by under 50.

SELECT city, region, country, hub, km_to_hub, members_from_here
FROM analytics.cities
WHERE is_gathered AND NOT is_other AND members_from_here IS NOT NULL
ORDER BY members_from_here DESC, km_to_hub DESC, city
LIMIT 20
