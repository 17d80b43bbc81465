-- How long does it take until a room is lively?
--
-- Rooms by the month in which they opened, how many of them have five people and more now, and the
-- median number of days until five of these were in the room. Whether people write in the chat is
-- not known here. rooms and rooms_lively are within 2 of the truth when it was published, and empty
-- if under 5, so percent is within 4 points of 100 rooms; median_days is rounded to whole days.
-- Present members are counted in batches, so that a group may be behind by under 5 people, and
-- until its lot is drawn by under 50.

SELECT opened_month AS month, rooms, rooms_lively,
       round(100.0 * rooms_lively / rooms, 1) AS percent,
       median_days_until_lively AS median_days
FROM analytics.room_starts
ORDER BY 1
