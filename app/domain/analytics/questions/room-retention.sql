-- Do old rooms stay alive?
--
-- Rooms of five people and more by the month in which they opened, and those of them that somebody
-- registered into in the latest whole month; percent is their share. Rooms that a command moved
-- people into do not count as joined. rooms and rooms_joined are within 2 of the truth, and empty
-- if under 5: percent is within 4 points of 100 rooms. Whether people write in the chat is not
-- known here.

SELECT opened_month AS month, rooms, rooms_joined, members,
       round(100.0 * rooms_joined / rooms, 1) AS percent
FROM analytics.room_activity
WHERE counted_month = (SELECT max(counted_month) FROM analytics.room_activity)
ORDER BY 1
