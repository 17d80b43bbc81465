"""Misspelled names."""

import random
import string


def misspell(name: str, rng: random.Random) -> str:
    """Return the name with one letter deleted, inserted, replaced or swapped with the next."""
    position, letter = rng.randrange(len(name)), rng.choice(string.ascii_lowercase)
    swapped = min(position, len(name) - 2)
    return rng.choice(
        (
            name[:position] + name[position + 1 :],
            name[:position] + letter + name[position:],
            name[:position] + letter + name[position + 1 :],
            name[:swapped] + name[swapped + 1] + name[swapped] + name[swapped + 2 :],
        )
    )
