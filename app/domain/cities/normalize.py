"""The key of a place's name: what Sevilla, SEVILLA and "Sevilla " share."""

import re
import unicodedata

# Letters that Unicode does not decompose, as people without them on their keyboard type them.
TRANSLATED = str.maketrans(
    {
        "ø": "o",
        "Ø": "o",
        "ł": "l",
        "Ł": "l",
        "đ": "d",
        "Đ": "d",
        "ı": "i",
        "ð": "d",
        "Ð": "d",
        "æ": "ae",
        "Æ": "ae",
        "œ": "oe",
        "Œ": "oe",
        "ß": "ss",
        "ẞ": "ss",
        "þ": "th",
        "Þ": "th",
    }
)
# か and が are two letters to a Japanese reader, as C and G are to us: the mark is no accent.
VOICING_MARKS = "\u3099\u309a"
NOT_A_WORD = re.compile(r"[\W_]+")


def fold(name: str) -> str:
    """The key of a name: NFKD, marks dropped, case folded, everything between words one space.

    Empty when the name has no letter and no digit ("---", an emoji): such a name is no place.
    Folding twice gives the same key. Method: Unicode Standard Annex #15 (NFKD) and section 3.13
    (default case folding).
    """
    if not name.isascii():
        decomposed = unicodedata.normalize("NFKD", name.translate(TRANSLATED).casefold())
        letters = "".join(
            character
            for character in decomposed
            if character in VOICING_MARKS or not unicodedata.category(character).startswith("M")
        )
        name = unicodedata.normalize("NFC", letters.translate(TRANSLATED))
    return NOT_A_WORD.sub(" ", name.casefold()).strip()
