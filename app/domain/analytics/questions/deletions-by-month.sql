-- How many people leave us?
--
-- People who were erased, by month and country, and their percentage of the country's people at the
-- end of the month with them. Why they left is not known here. erased sums clusters, each within 2
-- of the truth; up to 4 people of a country are in 'other', and up to 4 people a month are missing.

WITH erased AS (
    SELECT deleted_month AS month, country, sum(members) AS erased
    FROM analytics.deletions
    GROUP BY 1, 2
), present AS (
    SELECT counted_month AS month, country, sum(members) AS members
    FROM analytics.monthly_rooms
    GROUP BY 1, 2
)
SELECT month, country, round(100 * erased / (members + erased), 1) AS percent,
       erased::bigint AS erased
FROM erased LEFT JOIN present USING (month, country)
ORDER BY month, erased DESC, country
