-- Which interests go with moving?
--
-- Percentage of the people with an interest, among those who moved to another room by themselves
-- and among all people. points is the difference in percentage points. The percentages of movers
-- are within 4 points if 100 people moved and within 0.4 if 1,000 did. An interest that under 5
-- movers have, or all but under 5, is missing.
-- Present members are counted in batches, so that a group may be behind by under 5 people, and
-- until its lot is drawn by under 50.

WITH shares AS (
    SELECT interest_en, interest_group, movers_who_like,
           100.0 * movers_who_like / movers AS of_movers,
           100.0 * members_who_like / members AS of_all
    FROM analytics.mover_interests
    JOIN analytics.interests USING (interest, interest_en, interest_group)
)
SELECT interest_en AS interest, interest_group, movers_who_like,
       round(of_movers, 1) AS percent_of_movers, round(of_all, 1) AS percent_of_all,
       round(of_movers - of_all, 1) AS points
FROM shares
ORDER BY points DESC, interest
