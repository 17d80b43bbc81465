-- How many people are in rooms of five and more?
--
-- By month and country: people at the end of the month, those in rooms of five people and more, and
-- their percentage. Whether people write in the chat is not known here. Both numbers are within 2
-- of the truth in each country; under 5 people in such rooms count as 0, and a country of under 5
-- is in 'other'.

SELECT counted_month AS month, CASE WHEN GROUPING(country) = 1 THEN 'all' ELSE country END
           AS country,
       sum(members)::bigint AS members,
       coalesce(sum(members_in_lively_rooms), 0)::bigint AS members_in_lively_rooms,
       round(100 * coalesce(sum(members_in_lively_rooms), 0) / sum(members), 1) AS percent
FROM analytics.monthly_rooms
WHERE members IS NOT NULL
GROUP BY GROUPING SETS ((counted_month, country), (counted_month))
ORDER BY 1, 3 DESC, 2
