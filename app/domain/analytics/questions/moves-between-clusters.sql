-- Between which clusters do people move?
--
-- People whose latest move changed their cluster, by where from and where to, the most first.
-- 'other' sums what too few did in a month.

SELECT from_cluster_en AS from_cluster, to_cluster_en AS to_cluster,
       sum(members)::bigint AS members
FROM analytics.moves
WHERE is_between_clusters
GROUP BY 1, 2
ORDER BY 3 DESC, 1, 2;
