-- In which cities does the mix of clusters differ most?
--
-- For the ten largest cities: each cluster's share of the city's people minus its share of all
-- people, in percentage points. A large number is a reason for an event on that theme.

WITH rooms AS MATERIALIZED (
    SELECT city_id, city, country, cluster_en, members,
           sum(members) OVER (PARTITION BY city_id) AS of_city,
           sum(members) OVER (PARTITION BY cluster) / sum(members) OVER () AS share_of_all
    FROM analytics.rooms
    WHERE NOT is_other AND kind = 'city'
), largest AS (
    SELECT city_id FROM rooms GROUP BY city_id ORDER BY sum(members) DESC, city_id LIMIT 10
)
SELECT city, country, cluster_en AS cluster, members,
       round(100 * (members / of_city - share_of_all), 1) AS points_more
FROM rooms JOIN largest USING (city_id)
ORDER BY points_more DESC, city;
