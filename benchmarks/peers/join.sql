-- $1 user, $2 city, $3 room, $4 interests, $5 model. No row: the user is there already.
INSERT INTO memberships AS member
    (user_id, city_id, room_id, interests, model_id, created_at, joined_at, updated_at)
VALUES ($1, $2, $3, $4, $5, now(), now(), now())
ON CONFLICT (user_id) DO UPDATE SET
    city_id = excluded.city_id,
    room_id = excluded.room_id,
    interests = excluded.interests,
    model_id = excluded.model_id,
    updated_at = excluded.updated_at,
    previous_room_id = CASE WHEN member.room_id = excluded.room_id
        THEN member.previous_room_id ELSE member.room_id END,
    joined_at = CASE WHEN member.room_id = excluded.room_id
        THEN member.joined_at ELSE excluded.joined_at END
WHERE (member.city_id, member.interests) IS DISTINCT FROM (excluded.city_id, excluded.interests)
RETURNING room_id, previous_room_id, joined_at = updated_at AS joined
