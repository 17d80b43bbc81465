-- How fast do we grow, week by week?
--
-- Weeks begin on Monday. joins are the people who joined that week, total those who joined until
-- its end; people erased in the week itself are in neither, and those erased later stay in both. The
-- weeks before the first publication lack all who were erased until then. joins sums cities and
-- regions, each within 2 of the truth, and up to 4 people a week are missing: together within 6 %
-- or 12 people, and total within 3 % or 12 people.

SELECT joined_week AS week, sum(joins)::bigint AS joins,
       sum(sum(joins)) OVER (ORDER BY joined_week)::bigint AS total
FROM analytics.weekly_joins
GROUP BY 1
ORDER BY 1
