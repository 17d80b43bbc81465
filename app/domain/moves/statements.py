"""The statements of a relocation: who is to be moved, and the move of a few rooms' people."""

# Rooms whose city has a pointer: they are moved whole.
POINTED_ROOMS = """
    SELECT rooms.id AS room, rooms.city_id AS city, rooms.cluster_id AS cluster
    FROM rooms JOIN cities ON cities.id = rooms.city_id
    WHERE rooms.city_id = ANY(%(towns)s)
      AND (cities.merged_into IS NOT NULL OR cities.hub_id IS NOT NULL)
    ORDER BY rooms.id
"""
# The city that a member gave, merged or not.
SAID = "coalesce(member.said_city_id, member.city_id)"
# People in a room of a city that does not host the city that they gave, and people whose row has
# another town than that city is now. Reads the whole table: no index has the city.
STRAYS = f"""
    SELECT member.room_id AS room, {SAID} AS city, rooms.cluster_id AS cluster, count(*) AS people
    FROM memberships AS member
    JOIN rooms ON rooms.id = member.room_id
    JOIN city_hosts AS host ON host.city_id = {SAID}
    WHERE (member.city_id = ANY(%(towns)s) OR member.said_city_id = ANY(%(towns)s))
      AND (rooms.city_id <> host.host_id OR host.town_id <> member.city_id)
    GROUP BY 1, 2, 3 ORDER BY 1, 2
"""
# In the order of ids: two commands cannot deadlock over rooms.
LOCK_ROOMS = "SELECT id FROM rooms WHERE id = ANY(%(rooms)s) ORDER BY id FOR UPDATE"
MOVED = """
    unnest(%(rooms)s::bigint[], %(saids)s::bigint[], %(targets)s::bigint[])
        AS planned (room_id, said_id, target_id)
"""
# The subquery: a member whose merged city is gone moves with the room too.
MOVE = f"""
    WITH moved AS (
        UPDATE memberships AS member
        SET room_id = planned.target_id, previous_room_id = planned.room_id,
            city_id = coalesce(city.merged_into, city.id),
            said_city_id = CASE WHEN city.merged_into IS NOT NULL THEN city.id END,
            joined_at = now(), updated_at = now()
        FROM {MOVED}, cities AS city
        WHERE member.room_id = planned.room_id
          AND city.id = coalesce((SELECT said.id FROM cities AS said
                                  WHERE said.id = member.said_city_id), member.city_id)
          AND (planned.said_id IS NULL OR {SAID} = planned.said_id)
        RETURNING member.user_id, planned.room_id, planned.target_id
    )
    INSERT INTO room_changes (user_id, from_room, to_room, reason, run_id)
    SELECT user_id, room_id, target_id, %(reason)s, %(run)s FROM moved
"""
REPLACE_TOWN = f"""
    UPDATE memberships AS member
    SET city_id = planned.town_id, said_city_id = nullif({SAID}, planned.town_id),
        updated_at = now()
    FROM unnest(%(rooms)s::bigint[], %(saids)s::bigint[], %(towns)s::bigint[])
        AS planned (room_id, said_id, town_id)
    WHERE member.room_id = planned.room_id AND {SAID} = planned.said_id
"""
FLATTEN = f"""
    UPDATE room_redirects AS old SET room_id = planned.target_id FROM {MOVED}
    WHERE old.room_id = planned.room_id
"""
REDIRECT = f"""
    INSERT INTO room_redirects (id, city_id, cluster_id, room_id)
    SELECT rooms.id, rooms.city_id, rooms.cluster_id, planned.target_id
    FROM {MOVED} JOIN rooms ON rooms.id = planned.room_id
"""
DELETE_ROOMS = "DELETE FROM rooms WHERE id = ANY(%(rooms)s)"
# Old ids lead to the room where their city's people are now. The cities are found first, by their
# indexes: compared row by row with two conditions of the view, 70,000 take half a second.
UPDATE_REDIRECTS = """
    UPDATE room_redirects AS old SET room_id = rooms.id
    FROM city_hosts AS host JOIN rooms ON rooms.city_id = host.host_id
    WHERE old.city_id = host.city_id AND rooms.cluster_id = old.cluster_id
      AND old.room_id <> rooms.id
      AND old.city_id IN (SELECT id FROM cities
                          WHERE id = ANY(%(towns)s) OR merged_into = ANY(%(towns)s))
"""
