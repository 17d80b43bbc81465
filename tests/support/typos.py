"""Names as people mistype them."""

import random
import string


def typo(name: str, chance: random.Random) -> str:
    place, letter = chance.randrange(len(name)), chance.choice(string.ascii_lowercase)
    swapped = min(place, len(name) - 2)
    return chance.choice(
        (
            name[:place] + name[place + 1 :],
            name[:place] + letter + name[place:],
            name[:place] + letter + name[place + 1 :],
            name[:swapped] + name[swapped + 1] + name[swapped] + name[swapped + 2 :],
        )
    )
