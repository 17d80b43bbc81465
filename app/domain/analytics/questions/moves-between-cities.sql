-- Between which cities do people move?
--
-- People whose latest move was to a room of another city, by their own request or by a command.
-- 'other' sums pairs of cities with too few people in a month.

SELECT from_city, to_city, reason, sum(members)::bigint AS members
FROM analytics.moves
WHERE is_between_cities
GROUP BY 1, 2, 3
ORDER BY 4 DESC, 1, 2, 3
LIMIT 20;
