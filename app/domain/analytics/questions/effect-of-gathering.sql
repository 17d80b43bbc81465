-- What did gathering small towns do?
--
-- People of small towns whose latest move was the gathering, and how many people were in the room
-- of the median person before and are in it now. Those before are the people who were gathered out
-- of the same room and have not moved again. members is within 2 of the truth, and the medians are
-- exact. A month with under 5 people is missing. Whether people talk more is not known here.

SELECT gathered_month AS month, members, median_room_before, median_room_after
FROM analytics.gatherings
ORDER BY 1
