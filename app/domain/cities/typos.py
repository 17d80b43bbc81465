"""All keys one edit away from a typed key, to look up in an index.

An edit is an extra, a missing or a wrong letter, or two neighbours swapped (Damerau 1964: four in
five misspellings are one of these). Generating the edits and looking each up (Norvig, "How to Write
a Spelling Corrector", 2007) finds all of them in about a millisecond; trigrams miss errors in short
words.
"""

import unicodedata

# From this many letters on two edits are forgiven.
MIN_TWO_EDITS_LENGTH = 9
# Letters of alphabetic scripts. In other scripts a sign is a word, so no wrong or missing sign is
# corrected.
ALPHABETS = {
    "LATIN": "abcdefghijklmnopqrstuvwxyz ",
    "CYRILLIC": "абвгдежзиклмнопрстуфхцчшщъыьэюяіђјљњћџґ ",
    "GREEK": "αβγδεζηθικλμνξοπρστυφχψω ",
    "HEBREW": "אבגדהוזחטיכלמנסעפצקרשתךםןףץ ",
    "ARABIC": "ابتثجحخدذرزسشصضطظعغفقكلمنهويةىءئؤپچژگکی ",
}


def alphabet(key: str) -> str:
    """Return the letters of the script in which a key is written."""
    for character in key:
        if character.isalpha():
            return ALPHABETS.get(unicodedata.name(character, "").partition(" ")[0], "")
    return ALPHABETS["LATIN"]


def one_edit(key: str) -> set[str]:
    """Return all keys one edit away from a key, without the key itself; about 54 for a letter."""
    letters = alphabet(key)
    splits = [(key[:position], key[position:]) for position in range(len(key) + 1)]
    edits = {head + tail[1:] for head, tail in splits if tail}
    edits |= {head + tail[1] + tail[0] + tail[2:] for head, tail in splits if len(tail) > 1}
    edits |= {head + letter + tail[1:] for head, tail in splits if tail for letter in letters}
    edits |= {head + letter + tail for head, tail in splits for letter in letters}
    return {edit.strip() for edit in edits} - {key, ""}
