-- How balanced are the clusters?
--
-- Number and percentage of people in each cluster. evenness is 1 when all clusters are equally
-- large and 0 when one has everybody (the entropy divided by that of equal sizes). Each number of
-- people is within 2 of the truth when it was published. A cluster of under 5 is missing.
-- Present members are counted in batches, so that a group may be behind by under 5 people, and
-- until its lot is drawn by under 50.

WITH shares AS MATERIALIZED (
    SELECT cluster, cluster_en, members, members / sum(members) OVER () AS share
    FROM analytics.clusters
    WHERE members IS NOT NULL
)
SELECT cluster, cluster_en AS label, members,
       round(-sum(share * ln(share)) OVER () / nullif(ln(count(*) OVER ()::numeric), 0), 3)
           AS evenness,
       round(100 * share, 1) AS percent
FROM shares
ORDER BY percent DESC, cluster
