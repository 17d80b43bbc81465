-- Between which cities do people move?
--
-- People whose latest move took them into another city's rooms, whoever asked for it. 'other' sums
-- pairs of cities with too few people in a week.

SELECT from_city, to_city, reason, sum(members)::bigint AS members
FROM analytics.moves
WHERE is_between_cities
GROUP BY 1, 2, 3
ORDER BY 4 DESC, 1, 2, 3
LIMIT 20;
