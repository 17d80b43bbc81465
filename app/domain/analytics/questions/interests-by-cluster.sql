-- Which interests are typical of each cluster?
--
-- The five interests of each cluster whose share in the cluster exceeds their share among all
-- people most, of those who joined in whole months. times is the ratio of the two shares: 1 is as
-- often as among all people. An interest that under 5 people of a month and cluster have, or all
-- but under 5, counts as 0 there, and other numbers are within 2 of the truth: for 12 months and a
-- cluster of 1,000 people, percent is at most 5 points too low.
-- Present members are counted in batches, so that a group may be behind by under 5 people, and
-- until its lot is drawn by under 50.

WITH people AS (
    SELECT cluster, sum(members) AS members
    FROM (SELECT DISTINCT joined_month, cluster, members FROM analytics.interest_popularity) AS m
    GROUP BY 1
), liked AS (
    SELECT cluster, cluster_en, interest, interest_en, sum(members_who_like) AS likes
    FROM analytics.interest_popularity
    GROUP BY 1, 2, 3, 4
), compared AS (
    SELECT cluster, cluster_en, interest_en, likes / people.members AS share,
           likes / people.members / (interests.members_who_like::numeric / interests.members)
               AS times
    FROM liked JOIN people USING (cluster) JOIN analytics.interests USING (interest, interest_en)
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY cluster ORDER BY times DESC, interest_en) AS place
    FROM compared
)
SELECT cluster_en AS cluster, interest_en AS interest, round(100 * share, 1) AS percent,
       round(times, 2) AS times
FROM ranked
WHERE place <= 5
ORDER BY ranked.cluster, place
