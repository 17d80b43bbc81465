-- How far are gathered towns from their hub?
--
-- People in gathered towns, by the distance to the hub whose rooms they use. Towns that are too
-- small to be shown are counted at their mean distance.

SELECT CASE WHEN km_to_hub < 5 THEN 'under 5 km' WHEN km_to_hub < 10 THEN '5 to 9 km'
            WHEN km_to_hub < 20 THEN '10 to 19 km' ELSE '20 km and more' END AS distance,
       round(avg(km_to_hub), 1) AS mean_km, sum(members_from_here)::bigint AS members
FROM analytics.cities
WHERE is_gathered AND members_from_here IS NOT NULL
GROUP BY 1
ORDER BY mean_km;
