"""What ids, names and keys may look like, in requests and in files."""

import re
from collections.abc import Collection

MAX_CITY_LENGTH = 80
MAX_INTERESTS = 100
MAX_INTEREST_LENGTH = 64
USER_ID_PATTERN = r"[A-Za-z0-9._~:-]{1,64}"
# C0, DEL and C1.
CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_match_user_id = re.compile(USER_ID_PATTERN).fullmatch


def is_user_id(text: str) -> bool:
    """Return whether a text can be a user's id."""
    return _match_user_id(text) is not None


def is_interest_key(key: str) -> bool:
    """Return whether a text can be an interest's key."""
    return 1 <= len(key) <= MAX_INTEREST_LENGTH and not CONTROL_CHARACTER.search(key)


# Requests send the same few keys, and a set lookup is faster than a scan of each character.
_valid_keys: set[str] = set()
MAX_CACHED_KEYS = 4096


def are_interest_keys(keys: Collection[str]) -> bool:
    """Return whether each text can be an interest's key."""
    if _valid_keys.issuperset(keys):
        return True
    if not all(map(is_interest_key, keys)):
        return False
    if len(_valid_keys) < MAX_CACHED_KEYS:
        _valid_keys.update(keys)
    return True
