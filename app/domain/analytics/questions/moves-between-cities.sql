-- Between which cities do people move?
--
-- People whose latest move was to a room of another city, by their own request or by a command.
-- Each month of a pair of cities is within 2 of the truth; months with under 5 people are in
-- 'other', which keeps one of the cities or its country where it can.

SELECT from_city, from_country, to_city, to_country, reason, sum(members)::bigint AS members
FROM analytics.city_moves
GROUP BY from_city_id, from_city, from_country, to_city_id, to_city, to_country, reason
ORDER BY members DESC, from_city, to_city, reason, from_country, to_country
LIMIT 20
