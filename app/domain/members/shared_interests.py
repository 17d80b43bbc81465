"""Counts which of a user's interests the other members of their room have."""

from collections.abc import Collection

from app.domain.members.room_members import PAGE_SETTINGS
from app.infra.database import Database

# The first members of the room stand for all, so that a room of a million costs as little.
MAX_MEMBERS_READ = 300
# An interest that fewer others have could be known to be a certain person's.
MIN_OTHERS = 5
# A part of the index on room and user, as a page of members is.
COUNT = """
    SELECT interest, count(*) AS others
    FROM (
        SELECT interests FROM memberships
        WHERE room_id = %(room)s AND user_id <> %(user)s
        ORDER BY user_id LIMIT %(members)s
    ) AS member, unnest(member.interests) AS interest
    WHERE interest = ANY(%(interests)s)
    GROUP BY interest HAVING count(*) >= %(others)s
"""


def shared_interests(
    database: Database, room_id: int, user_id: str, interests: Collection[str]
) -> list[str]:
    """Return the interests of a user that at least MIN_OTHERS others have, the commonest first.

    Raises DatabaseUnavailable.
    """
    parameters = {
        "room": room_id,
        "user": user_id,
        "interests": list(interests),
        "members": MAX_MEMBERS_READ,
        "others": MIN_OTHERS,
    }
    rows = database.execute(COUNT, parameters, PAGE_SETTINGS)
    return [row.interest for row in sorted(rows, key=lambda row: (-row.others, row.interest))]
