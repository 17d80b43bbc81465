-- Why do people move?
--
-- People who moved, by month and reason: asked is their own request, the others are commands.
-- After 30 days the reason is no longer known.

SELECT moved_at AS month, reason, sum(members)::bigint AS members
FROM analytics.moves
GROUP BY 1, 2
ORDER BY 1, 2;
