"""The true answers to the questions about people and what they like."""

from tests.support.truth import Truth

TRUTHS = {
    "cluster-balance": Truth(
        "cluster",
        {"members": 2, "percent": 0.1, "evenness": 0.002},
        """SELECT cluster_id AS cluster, n AS members, 100 * share AS percent,
               -sum(share * ln(share)) OVER () / ln(count(*) OVER ()) AS evenness
           FROM (SELECT cluster_id, count(*) AS n, count(*) / sum(count(*)) OVER () AS share
                 FROM person GROUP BY 1) AS shares""",
        absent=4,
    ),
    "deletions-by-month": Truth(
        "month country",
        {"erased": 14, "percent": "b"},
        """SELECT deleted_month AS month, country, sum(members) AS erased,
               100 * sum(members) / (sum(members) + present) AS percent, 1600 / present + 0.1 AS b
           FROM deletions LEFT JOIN (SELECT month AS deleted_month, country, sum(in_room) AS present
                                     FROM month_end GROUP BY 1, 2) AS ends
               USING (deleted_month, country)
           GROUP BY 1, 2, present""",
        absent=4,
    ),
    "effect-of-last-model": Truth(
        "cluster",
        {"percent_before": 1, "percent_since": 1, "points": 1},
        """SELECT cluster, 100 * old AS percent_before, 100 * new AS percent_since,
               100 * (new - old) AS points
           FROM (
               SELECT cluster,
                      count(*) FILTER (WHERE month < '2025-03-01')
                          / sum(count(*) FILTER (WHERE month < '2025-03-01')) OVER () AS old,
                      count(*) FILTER (WHERE month > '2025-03-01')
                          / sum(count(*) FILTER (WHERE month > '2025-03-01')) OVER () AS new
               FROM person WHERE month >= '2024-12-01' GROUP BY 1
           ) AS shares""",
        absent=0,
        given="UPDATE models SET registered_at = '2025-03-20 12:00 UTC'",
    ),
    "growth-by-city": Truth(
        "city region country",
        {"joins_now": 8, "joins_before": 8, "growth": "b"},
        """SELECT *, 100.0 * joins_now / joins_before - 100 AS growth,
               800 * (1.0 + joins_now) / (joins_before * (joins_before - 8)) + 800 / joins_before
                   + 1 AS b
           FROM (
               SELECT city, region, country, sum(n) FILTER (WHERE is_now) AS joins_now,
                      CASE WHEN count(*) = 8 AND min(n) >= 5
                           THEN sum(n) FILTER (WHERE NOT is_now) END AS joins_before
               FROM (
                   SELECT city_id, city, region, country, date_trunc('week', day) AS week,
                          day >= date_trunc('week', %(until)s::date) - interval '28 days' AS is_now,
                          count(*) AS n
                   FROM person WHERE day < date_trunc('week', %(until)s::date)
                       AND day >= date_trunc('week', %(until)s::date) - interval '56 days'
                   GROUP BY 1, 2, 3, 4, 5, 6
               ) AS weeks
               GROUP BY city_id, 1, 2, 3 HAVING count(*) FILTER (WHERE is_now AND n >= 5) = 4
           ) AS cities""",
        absent=0,
    ),
    "growth-by-cluster": Truth(
        "month cluster",
        {"joins": 2, "percent": "b"},
        """SELECT month, cluster, count(*) AS joins,
               100 * count(*) / sum(count(*)) OVER (PARTITION BY month) AS percent,
               500 / sum(count(*)) OVER (PARTITION BY month) AS b
           FROM person GROUP BY 1, 2""",
        absent=14,
    ),
    "growth-by-country": Truth(
        "month country",
        {"joins": "b"},
        """SELECT month, country, sum(n) AS joins, 2 * (count(*) FILTER (WHERE n >= 5) + 5) + 4 AS b
           FROM joined GROUP BY 1, 2""",
        absent=4,
    ),
    "growth-by-week": Truth(
        "week",
        {"joins": "b", "total": "total_b"},
        """SELECT week, n AS joins, least(b, 12 + 0.06 * n) AS b,
               sum(n) OVER (ORDER BY week) AS total,
               12 + 0.03 * sum(n) OVER (ORDER BY week) AS total_b
           FROM (
               SELECT week, sum(n) AS n, 4 + 2 * (count(*) FILTER (WHERE n >= 5)
                      + count(DISTINCT (country, region)) + count(DISTINCT country)) AS b
               FROM (SELECT date_trunc('week', day)::date AS week, country, region, count(*) AS n
                     FROM person GROUP BY city_id, 1, 2, 3) AS cities
               WHERE week + 7 <= %(until)s::date GROUP BY 1
           ) AS weeks""",
        absent=0,
    ),
    "interests-by-city": Truth(
        "city country interest",
        {"percent": "b", "times": "times_b"},
        """SELECT *, 400.0 / n + 0.1 AS b, 4.0 / n / of_all + 0.02 AS times_b,
               100.0 * likes / n AS percent, 1.0 * likes / n / of_all AS times
           FROM (
               SELECT city, country, label_en AS interest, count(*) AS likes, n,
                      sum(count(*)) OVER (PARTITION BY key)
                          / (SELECT count(*) FROM person) AS of_all
               FROM (SELECT *, count(*) OVER (PARTITION BY city_id) AS n FROM person) AS person,
                    unnest(interests) AS key JOIN interests USING (key)
               GROUP BY city_id, 1, 2, 3, key, n
           ) AS liked""",
        rows=30,
    ),
    "interests-by-cluster": Truth(
        "cluster interest",
        {"percent": "b", "times": "times_b"},
        """SELECT *, 100 * missing / n + 0.1 AS b, missing / n / of_all + 0.02 AS times_b,
               100 * likes / n AS percent, likes / n / of_all AS times
           FROM (
               SELECT cluster, interest, sum(likes) AS likes, sum(members) AS n,
                      min(all_likes) / min(everybody) AS of_all,
                      sum(4 + CASE WHEN least(likes, members - likes) < 5 THEN likes ELSE 0 END)
                          AS missing
               FROM liking JOIN (SELECT month, cluster, count(*) AS members
                                 FROM person GROUP BY 1, 2) AS months USING (month, cluster)
               GROUP BY 1, 2
           ) AS liked""",
    ),
    "interests-of-movers": Truth(
        "interest",
        {"movers_who_like": 2, "percent_of_movers": "b", "percent_of_all": 0.1, "points": "b"},
        """SELECT interest, likes AS movers_who_like, 100.0 * likes / movers AS percent_of_movers,
               100.0 * of_all AS percent_of_all, 400.0 / movers + 0.2 AS b,
               100.0 * likes / movers - 100.0 * of_all AS points
           FROM (
               SELECT label_en AS interest, count(*) AS likes,
                      (SELECT count(*) FROM move WHERE is_open) AS movers,
                      (SELECT sum(likes) / 1.0 / min(everybody) FROM liking
                       WHERE liking.key = interests.key) AS of_all
               FROM move, unnest(move.interests) AS key JOIN interests USING (key)
               WHERE is_open GROUP BY interests.key, 1
           ) AS liked""",
        absent=4,
    ),
    "interests-that-grow": Truth(
        "interest",
        {"percent_before": 1, "percent_now": 1, "points": 1},
        """SELECT *, percent_now - percent_before AS points
           FROM (
               SELECT label_en AS interest,
                      100.0 * count(*) FILTER (WHERE month < %(until)s::date - interval '3 months')
                          / min(before) AS percent_before,
                      100.0 * count(*) FILTER (WHERE month >= %(until)s::date - interval '3 months')
                          / min(now) AS percent_now
               FROM person JOIN interests ON key = ANY(interests), (
                   SELECT count(*) FILTER (WHERE day < %(until)s::date - interval '3 months')
                              AS before,
                          count(*) FILTER (WHERE day >= %(until)s::date - interval '3 months')
                              AS now
                   FROM person WHERE day >= %(until)s::date - interval '6 months'
               ) AS people
               WHERE month >= %(until)s::date - interval '6 months' GROUP BY 1
           ) AS shares""",
        absent=1,
    ),
    "joins-by-weekday": Truth(
        "weekday",
        {"joins": "b", "percent": 1},
        """SELECT to_char(day, 'FMDay') AS weekday, sum(n) AS joins,
               least(sum(b), 0.12 * sum(n)) AS b,
               100 * sum(n) / sum(sum(n)) OVER () AS percent
           FROM (
               SELECT day::timestamp, sum(n) AS n, 4 + 2 * (count(*) FILTER (WHERE n >= 5)
                      + count(DISTINCT country) + 1) AS b
               FROM (SELECT day, country, count(*) AS n FROM person GROUP BY 1, 2, cluster_id)
                   AS groups GROUP BY 1
           ) AS days GROUP BY 1""",
        absent=0,
    ),
    "people-without-a-city": Truth(
        "kind",
        {"members": "b", "places": 0},
        """SELECT kind, sum(n) AS members, count(*) FILTER (WHERE n >= 5) AS places,
               20 + 0.02 * sum(n) AS b
           FROM (SELECT kind, country, region, count(*) AS n FROM person GROUP BY city_id, 1, 2, 3)
               AS places
           GROUP BY 1""",
        absent=4,
    ),
    "reach-by-city": Truth(
        "city region country",
        {"at_most_per_100000": "b", "members_from_here": 2, "population": 0},
        """SELECT name AS city, region, country_code::text AS country, population,
               count(user_id) AS members_from_here, 200000.0 / population + 0.01 AS b,
               100000.0 * (count(user_id) + 2) / population AS at_most_per_100000
           FROM cities LEFT JOIN memberships ON city_id = cities.id
           WHERE listed AND kind = 'city' AND population >= 200000
             AND country_code IN (SELECT country FROM person)
           GROUP BY cities.id""",
        rows=20,
        top=-1,
    ),
    "retention-by-cohort": Truth(
        "month",
        {"joins": "b", "erased": "erased_b", "percent": "percent_b"},
        """SELECT *, 100 - 100 * erased / joins AS percent,
               100 * (erased_b + b * erased / joins) / (joins - b) + 0.1 AS percent_b
           FROM (
               SELECT month, sum(n) AS joins, 4 * (12 - extract(month FROM age(month, min(month)
                      OVER ()))) AS erased_b,
                      2 * (count(*) FILTER (WHERE n >= 5) + 5 * count(DISTINCT country) + 1) + 4
                          AS b
               FROM joined GROUP BY 1
           ) AS months JOIN (
               SELECT joined_month AS month, sum(members) AS erased FROM deletions GROUP BY 1
           ) AS gone USING (month)""",
        absent=0,
    ),
    "unlisted-towns": Truth(
        "city country is_other",
        {"members_from_here": 2},
        """SELECT city, country, false AS is_other, count(*) AS members_from_here
           FROM person WHERE NOT listed GROUP BY 1, 2""",
        absent=4,
    ),
}
