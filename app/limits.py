"""What ids, names and keys may be, whoever brings them."""

import re

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


def are_interests(keys: list[str]) -> bool:
    """Whether texts can be interests' keys at all."""
    if not keys:
        return True
    lengths = list(map(len, keys))
    return (
        min(lengths) >= 1 and max(lengths) <= LONGEST_INTEREST and not CONTROL.search("".join(keys))
    )
