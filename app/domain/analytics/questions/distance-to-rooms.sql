-- How far are gathered towns from their hub?
--
-- People in gathered towns, by the distance in whole kilometres to the hub whose rooms they use.
-- Towns of under 5 people are in a row of their own. Each town is within 2 people of the truth when
-- it was published, and so is each region in the row of small towns, which may lack 4 people more.
-- mean_km is within 1.
-- Present members are counted in batches, so that a group may be behind by under 5 people, and
-- until its lot is drawn by under 50.

SELECT CASE WHEN is_other THEN 'any: towns of under 5' WHEN km_to_hub < 5 THEN 'under 5 km'
            WHEN km_to_hub < 10 THEN '5 to 9 km' WHEN km_to_hub < 20 THEN '10 to 19 km'
            ELSE '20 km and more' END AS distance,
       round(sum(km_to_hub * members_from_here) / sum(members_from_here), 1) AS mean_km,
       sum(members_from_here)::bigint AS members
FROM analytics.cities
WHERE is_gathered AND members_from_here IS NOT NULL
GROUP BY 1
ORDER BY bool_or(is_other), mean_km
