-- Which cities do people move to, and which do they leave?
--
-- People who by themselves moved to a room of another city, by their latest move, with the
-- difference of arrivals and departures. In each month both numbers are within 2 of the truth; a
-- number under 5 counts as 0, and a city with under 5 people in a month is in its region's or
-- country's 'other'.

SELECT city, region, country, coalesce(sum(arrivals), 0)::bigint AS arrivals,
       coalesce(sum(departures), 0)::bigint AS departures,
       (coalesce(sum(arrivals), 0) - coalesce(sum(departures), 0))::bigint AS net_arrivals
FROM analytics.city_flows
GROUP BY city_id, city, region, country
ORDER BY net_arrivals DESC, arrivals DESC, city, country, region
