"""The words of typed places that are no names: abbreviations, noise, and words for no place.

Each kind is one table of data/, with folded words.
"""

import csv
from collections import defaultdict
from pathlib import Path

DATA = Path(__file__).parent / "data"
# Articles that lists of towns put after the name: "Coruña, A", "Eliana, l'".
ARTICLES = frozenset(
    [
        "a",
        "as",
        "da",
        "das",
        "de",
        "den",
        "der",
        "die",
        "do",
        "dos",
        "el",
        "els",
        "es",
        "gli",
        "het",
        "i",
        "il",
        "l",
        "la",
        "las",
        "le",
        "les",
        "lo",
        "los",
        "o",
        "os",
        "s",
        "sa",
        "ses",
        "the",
    ]
)


def _columns(table: str) -> list[list[str]]:
    with (DATA / table).open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(rows)
        return list(rows)


def _words_by(table: str) -> dict[str, frozenset[str]]:
    words = defaultdict(set)
    for word, kind in _columns(table):
        words[kind].add(word)
    return {kind: frozenset(found) for kind, found in words.items()}


ABBREVIATIONS: dict[str, list[str]] = {
    short: long.split("|") for short, long in _columns("abbreviations.tsv")
}
# Noise before and after a name ("greater", "y alrededores"), and as a part of its own ("Europe").
NOISE = _words_by("noise.tsv")
_NO_PLACE = _words_by("nothing.tsv")
# What programs and people write for "nothing"; and words of people who have no place.
NOTHING, PLACELESS = _NO_PLACE["nothing"], _NO_PLACE["placeless"]
