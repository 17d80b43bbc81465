"""What ids, names and keys may be, whoever brings them."""

import re
from collections.abc import Collection

# Bytes of a request's body.
LARGEST_BODY = 16 * 1024
LONGEST_CITY = 80
MOST_INTERESTS = 100
LONGEST_INTEREST = 64
USER_ID = r"[A-Za-z0-9._~:-]{1,64}"
# C0, DEL and C1.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_matches_user_id = re.compile(USER_ID).fullmatch


def is_user_id(text: str) -> bool:
    """Whether a text can be a user's id at all."""
    return _matches_user_id(text) is not None


def is_interest(key: str) -> bool:
    """Whether a text can be an interest's key at all."""
    return 1 <= len(key) <= LONGEST_INTEREST and not CONTROL.search(key)


_met: set[str] = set()
MOST_MET = 4096


def are_interests(keys: Collection[str]) -> bool:
    """Whether each can be an interest's key."""
    # Every request brings the same few, and a look at each character takes longer than the rest.
    if _met.issuperset(keys):
        return True
    if not all(map(is_interest, keys)):
        return False
    if len(_met) < MOST_MET:
        _met.update(keys)
    return True
