"""Names one edit away, spelled out: what a typed key may have been meant as.

An edit is a letter too many, missing, or wrong, or two neighbours swapped (Damerau 1964: four in
five misspellings are one of these). Spelling the edits out and looking each up in an index
(Norvig, "How to Write a Spelling Corrector", 2007) finds them all in about a millisecond, where
trigrams miss what is wrong in a short word.
"""

import unicodedata

# From this many letters on two edits are forgiven.
LONG = 9
# Letters of scripts written with an alphabet; others get no wrong or missing letters, since
# one sign there is a whole word.
ALPHABETS = {
    "LATIN": "abcdefghijklmnopqrstuvwxyz ",
    "CYRILLIC": "абвгдежзиклмнопрстуфхцчшщъыьэюяіђјљњћџґ ",
    "GREEK": "αβγδεζηθικλμνξοπρστυφχψω ",
    "HEBREW": "אבגדהוזחטיכלמנסעפצקרשתךםןףץ ",
    "ARABIC": "ابتثجحخدذرزسشصضطظعغفقكلمنهويةىءئؤپچژگکی ",
}


def alphabet(key: str) -> str:
    """The letters of the script that the key is written in."""
    for character in key:
        if character.isalpha():
            return ALPHABETS.get(unicodedata.name(character, "").partition(" ")[0], "")
    return ALPHABETS["LATIN"]


def one_edit(key: str) -> set[str]:
    """All keys one edit away from a key, itself not among them; about 54 for each letter."""
    letters = alphabet(key)
    splits = [(key[:position], key[position:]) for position in range(len(key) + 1)]
    edits = {head + tail[1:] for head, tail in splits if tail}
    edits |= {head + tail[1] + tail[0] + tail[2:] for head, tail in splits if len(tail) > 1}
    edits |= {head + letter + tail[1:] for head, tail in splits if tail for letter in letters}
    edits |= {head + letter + tail for head, tail in splits for letter in letters}
    return {edit.strip() for edit in edits} - {key, ""}
