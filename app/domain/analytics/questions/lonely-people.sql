-- Where are people in rooms that are too small?
--
-- For each country, people in rooms of one to four, which are too small for a conversation, and
-- their percentage of all people. `manage.py cities gather` helps. members sums classes of sizes:
-- rooms of one and rooms of two to four are each within 2 of the truth when it was published, or in
-- 'other' if they have under 5 people; the five larger classes are within 2.
-- Present members are counted in batches, so that a group may be behind by under 5 people, and
-- until its lot is drawn by under 50.

SELECT country, sum(members)::bigint AS members,
       round(100 * coalesce(sum(members) FILTER (WHERE members_to < 5), 0) / sum(members), 1)
           AS percent,
       coalesce(sum(members) FILTER (WHERE members_to < 5), 0)::bigint AS members_in_small_rooms
FROM analytics.room_sizes
WHERE members IS NOT NULL
GROUP BY 1
ORDER BY members_in_small_rooms DESC, country
