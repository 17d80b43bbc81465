-- How large are the rooms?
--
-- Rooms and their members by size. Of each country and size, members is within 2 of the truth when
-- it was published, and so is rooms; under 5 rooms of a country count as 0, and under 5 people of a
-- country are summed with those of other countries, or missing.
-- Present members are counted in batches, so that a group may be behind by under 5 people, and
-- until its lot is drawn by under 50.

SELECT concat_ws(' to ', members_from, nullif(members_to, members_from))
           || CASE WHEN members_to IS NULL THEN ' and more' ELSE '' END AS size,
       sum(rooms)::bigint AS rooms, sum(members)::bigint AS members
FROM analytics.room_sizes
GROUP BY members_from, members_to
ORDER BY members_from
