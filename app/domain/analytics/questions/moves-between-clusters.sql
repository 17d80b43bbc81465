-- Between which clusters do people move?
--
-- People whose latest move changed their cluster, by the old and the new cluster, the most
-- frequent first. 'other' sums pairs of clusters with too few people in a month.

SELECT from_cluster_en AS from_cluster, to_cluster_en AS to_cluster,
       sum(members)::bigint AS members
FROM analytics.moves
WHERE is_between_clusters
GROUP BY 1, 2
ORDER BY 3 DESC, 1, 2;
