-- How fast do we grow, week by week?
--
-- Weeks begin on Monday. joins are the people who joined that week, total those who joined until
-- its end. People erased since are in neither.

SELECT joined_at AS week, sum(joins)::bigint AS joins,
       sum(sum(joins)) OVER (ORDER BY joined_at)::bigint AS total
FROM analytics.weekly_joins
GROUP BY 1
ORDER BY 1;
