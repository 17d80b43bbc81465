-- Why do people move?
--
-- People who moved, by month and reason: asked is their own wish, the others are what admins do.
-- Older than 30 days the reason is no longer known.

SELECT moved_at AS month, reason, sum(members)::bigint AS members
FROM analytics.moves
GROUP BY 1, 2
ORDER BY 1, 2;
