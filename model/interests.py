"""The published vocabulary, `interests.json`: keys, groups, labels and aliases."""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Language = Literal["es", "en"]

FILE = Path(__file__).with_name("interests.json")
# Letters, digits, and the marks that are vowels in some scripts.
WORD_CATEGORIES = frozenset(("Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Nl", "No", "Mn", "Mc"))
# Invisible; chooses the picture of an emoji.
VARIATION_SELECTOR = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")


@dataclass(frozen=True, slots=True)
class Interest:
    """An interest that a user can select.

    `key` is part of the API's contract, misspelt or not. `aliases` are other spellings in surveys.
    `capital_in` lists the languages whose spelling keeps the label's capital inside a sentence
    ("Movies, Chinese food and burgers").
    """

    key: str
    group: str
    labels: Mapping[str, str]
    aliases: tuple[str, ...]
    capital_in: tuple[str, ...] = ()

    def label_in_sentence(self, language: Language) -> str:
        """Return the label as it is written inside a sentence."""
        label = self.labels[language]
        return label if language in self.capital_in else label[0].lower() + label[1:]


def load_interests(file: Path = FILE) -> tuple[Interest, ...]:
    """Return the interests in the published model's order."""
    return tuple(
        Interest(
            key=entry["key"],
            group=entry["group"],
            labels=entry["labels"],
            aliases=tuple(entry["aliases"]),
            capital_in=tuple(entry.get("capital_in", ())),
        )
        for entry in json.loads(file.read_text(encoding="utf-8"))
    )


def keys_by_answer(interests: Iterable[Interest]) -> dict[str, str]:
    """Return the key of each folded answer: of all keys, labels and aliases.

    Raises ValueError if a text belongs to two interests.
    """
    keys: dict[str, str] = {}
    for interest in interests:
        for text in (interest.key, *interest.labels.values(), *interest.aliases):
            if keys.setdefault(fold(text), interest.key) != interest.key:
                raise ValueError(f"{text!r} belongs to both {keys[fold(text)]} and {interest.key}")
    return keys


def fold(text: str) -> str:
    """Return a text's words without case, accents, punctuation and emoji.

    For example "voley" for " Vóley 🏐".
    """
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    kept = (
        character if unicodedata.category(character) in WORD_CATEGORIES else " "
        for character in decomposed
        if not unicodedata.combining(character) and not VARIATION_SELECTOR.match(character)
    )
    return " ".join("".join(kept).split())


def key_from_text(text: str) -> str:
    """Return a key for an answer outside the vocabulary: "boardGames" for " Board games "."""
    first, *others = fold(text).split() or [""]
    return first + "".join(word[0].upper() + word[1:] for word in others)


def text_from_key(key: str) -> str:
    """Return a key as words: "board games" for "boardGames"."""
    words = re.sub(r"(?<=[^\W\d_A-Z])(?=[A-Z])", " ", key).replace("_", " ").split()
    return " ".join(word if word.isupper() else word[0].lower() + word[1:] for word in words)


def phrase(keys: Iterable[str], interests: Iterable[Interest], language: Language) -> str:
    """Return the interests as a list in prose: "Cine, comida china y hamburguesas".

    A key outside the vocabulary is written as words.
    """
    known = {interest.key: interest for interest in interests}
    labels = [
        known[key].label_in_sentence(language) if key in known else text_from_key(key) or key
        for key in keys
    ]
    if not labels:
        return ""
    *head, last = labels
    text = f"{', '.join(head)} {_and(last, language)} {last}" if head else last
    return text[0].upper() + text[1:]


def _and(next_word: str, language: Language) -> str:
    if language == "en":
        return "and"
    # Spanish "y" becomes "e" before the sound i, but not before the diphthongs hie and hia.
    return "e" if re.match(r"[ií]|h[ií](?![ae])", next_word, re.IGNORECASE) else "y"
