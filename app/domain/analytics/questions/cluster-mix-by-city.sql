-- In which cities does the mix of clusters differ most?
--
-- For the ten cities with the most people in their rooms: each cluster's share of the city's people
-- minus its share of all people, in percentage points. A large number is a reason for an event on
-- that theme. members is within 2 of the truth when it was published, so points_more is within 4
-- points in a city of 100 people and within 0.4 in one of 1,000. Rooms of under 5 are missing.
-- Present members are counted in batches, so that a group may be behind by under 5 people, and
-- until its lot is drawn by under 50.

WITH clusters AS (
    SELECT cluster, members / sum(members) OVER () AS share FROM analytics.clusters
), largest AS (
    SELECT city_id, members_in_rooms FROM analytics.cities
    WHERE NOT is_other AND kind = 'city' AND members_in_rooms IS NOT NULL
    ORDER BY members_in_rooms DESC, city_id
    LIMIT 10
)
SELECT city, country, cluster_en AS cluster, members,
       round(100 * (members::numeric / members_in_rooms - share), 1) AS points_more
FROM analytics.rooms JOIN largest USING (city_id) JOIN clusters USING (cluster)
ORDER BY points_more DESC, city, cluster
