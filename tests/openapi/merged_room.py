"""A room that was merged, as the clients meet it."""

from tests.support.databases import sql_on

MERGED_ID = 999_999


def merge_room(database: str, user_id: str) -> int:
    """Store that a room was merged into the user's, and that the user moved; return its id."""
    sql = sql_on(database)
    sql(
        "INSERT INTO room_redirects (id, city_id, cluster_id, room_id)"
        " SELECT %s, city_id, cluster_id, id FROM rooms",
        (MERGED_ID,),
    )
    sql(
        "INSERT INTO room_changes (user_id, from_room, to_room, reason)"
        " SELECT user_id, %s, room_id, 'merge' FROM memberships WHERE user_id = %s",
        (MERGED_ID, user_id),
    )
    return MERGED_ID
