-- Which interests are typical of each cluster?
--
-- The five interests of each cluster whose share in the cluster exceeds their share among all
-- people most. times is the ratio of the two: 1 is as often as among all people.

WITH liked AS (
    SELECT cluster, cluster_en, interest_en, sum(members_who_like) AS likes,
           sum(members) AS members
    FROM analytics.interest_popularity
    GROUP BY 1, 2, 3
), compared AS (
    SELECT *, likes / members AS share,
           sum(likes) OVER (PARTITION BY interest_en)
             / sum(members) OVER (PARTITION BY interest_en) AS share_of_all
    FROM liked
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY cluster
                                 ORDER BY share / share_of_all DESC, interest_en) AS place
    FROM compared
)
SELECT cluster_en AS cluster, interest_en AS interest, round(100 * share, 1) AS percent,
       round(share / share_of_all, 2) AS times
FROM ranked
WHERE place <= 5
ORDER BY cluster, place;
