-- Which interests are typical of each city?
--
-- For the ten largest cities, the three interests whose share in the city exceeds their share
-- among all people most: themes for an event there.

WITH liked AS MATERIALIZED (
    SELECT city_id, city, country, interest_en, members,
           members_who_like::numeric / members AS share,
           sum(members_who_like) OVER (PARTITION BY interest)
             / sum(members) OVER (PARTITION BY interest) AS share_of_all
    FROM analytics.city_interests
    WHERE kind = 'city'
), largest AS (
    SELECT city_id FROM liked GROUP BY city_id ORDER BY max(members) DESC, city_id LIMIT 10
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY city_id
                                 ORDER BY share / share_of_all DESC, interest_en) AS place
    FROM liked JOIN largest USING (city_id)
)
SELECT city, country, interest_en AS interest, round(100 * share, 1) AS percent,
       round(share / share_of_all, 2) AS times
FROM ranked
WHERE place <= 3
ORDER BY members DESC, city, place;
