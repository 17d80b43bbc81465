-- Between which clusters do people move?
--
-- People whose latest move changed their cluster, by the old and the new cluster, the most frequent
-- first. Each month of a pair is within 2 of the truth for each reason; those with under 5 people
-- are in 'other', which keeps one of the clusters where it can.

SELECT from_cluster_en AS from_cluster, to_cluster_en AS to_cluster,
       sum(members)::bigint AS members
FROM analytics.cluster_moves
GROUP BY 1, 2
ORDER BY 3 DESC, 1, 2
