-- Which interests are typical of each city?
--
-- For the ten largest cities, the three interests whose share in the city exceeds their share among
-- all people most: themes for an event there. times is the ratio of the two shares. percent is
-- within 4 points in a city of 100 people and within 0.4 in one of 1,000. An interest that under 5
-- people of the city have, or all but under 5, is missing.
-- Present members are counted in batches, so that a group may be behind by under 5 people, and
-- until its lot is drawn by under 50.

WITH largest AS MATERIALIZED (
    SELECT city_id FROM analytics.city_interests
    WHERE kind = 'city'
    GROUP BY city_id ORDER BY max(members) DESC, city_id LIMIT 10
), of_all AS (
    SELECT interest, members_who_like::numeric / members AS share_of_all FROM analytics.interests
), ranked AS (
    SELECT city_id, city, country, interest_en, members, share, share / share_of_all AS times,
           row_number() OVER (PARTITION BY city_id ORDER BY share / share_of_all DESC, interest)
               AS place
    FROM (
        SELECT *, members_who_like::numeric / members AS share FROM analytics.city_interests
    ) AS liked JOIN largest USING (city_id) JOIN of_all USING (interest)
)
SELECT city, country, interest_en AS interest, round(100 * share, 1) AS percent,
       round(times, 2) AS times
FROM ranked
WHERE place <= 3
ORDER BY members DESC, city, place
