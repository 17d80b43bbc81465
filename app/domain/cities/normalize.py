"""Folds a place's name into the key that Sevilla, SEVILLA and "Sevilla " share."""

import re
import unicodedata

# Letters that Unicode does not decompose, as they are typed on a keyboard without them.
# Arabic and Persian keyboards have two signs each for the letters after them.
TRANSLATED = str.maketrans("øØłŁđĐıðÐةىیک", "oollddiddهييك") | str.maketrans(
    {"æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe", "ß": "ss", "ẞ": "ss", "þ": "th", "Þ": "th"}
)
# か and が are different letters, as C and G are, so these marks are kept.
VOICING_MARKS = "\u3099\u309a"
# Soft hyphens, zero-width spaces and other invisible characters that copied text has inside words.
# The non-joiner separates the words of Persian names.
ZERO_WIDTH_NON_JOINER = "\u200c"
NON_WORD = re.compile(r"[\W_]+")


def fold(name: str) -> str:
    """Return the name in NFKD, without marks, case-folded, with one space between words.

    Empty if the name has no letter and no digit ("---", an emoji). Idempotent. Method: Unicode
    Standard Annex #15 (NFKD) and section 3.13 (default case folding).
    """
    if not name.isascii():
        decomposed = unicodedata.normalize("NFKD", name.translate(TRANSLATED).casefold())
        letters = "".join(
            character
            for character in decomposed
            if character in VOICING_MARKS or not _is_dropped(character)
        )
        name = unicodedata.normalize("NFC", letters.translate(TRANSLATED))
    return NON_WORD.sub(" ", name.casefold()).strip()


def _is_dropped(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] == "M" or (category == "Cf" and character != ZERO_WIDTH_NON_JOINER)
