-- Why do people move?
--
-- People whose latest move was in the month, by reason: asked is their own request, the others are
-- commands. After 30 days the reason is no longer known. members sums up to five kinds of moves,
-- each within 2 of the truth; up to 4 people of a reason are in 'other', and up to 4 people a month
-- are missing.

SELECT moved_month AS month, reason, sum(members)::bigint AS members
FROM analytics.moves
GROUP BY 1, 2
ORDER BY 1, 3 DESC, 2
