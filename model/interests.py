"""The published vocabulary, `interests.json`: keys, groups, labels, and the answers that mean them.

An interest's optional `capital_in` lists the languages whose spelling keeps the label's capital
inside a sentence ("Movies, Chinese food and burgers").
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Language = Literal["es", "en"]

FILE = Path(__file__).with_name("interests.json")


@dataclass(frozen=True, slots=True)
class Interest:
    """One thing a user can tick. `key` is the wire contract, misspelt or not."""

    key: str
    group: str
    labels: Mapping[str, str]
    aliases: tuple[str, ...]
    capital_in: tuple[str, ...] = ()

    def within(self, language: Language) -> str:
        """The label as it is written inside a sentence."""
        label = self.labels[language]
        return label if language in self.capital_in else label[0].lower() + label[1:]


def load_interests(file: Path = FILE) -> tuple[Interest, ...]:
    """The interests in the published model's order."""
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
    """Folded answer text -> key, over keys, labels and aliases.

    Raises:
        ValueError: one text means two interests.
    """
    keys: dict[str, str] = {}
    for interest in interests:
        for text in (interest.key, *interest.labels.values(), *interest.aliases):
            if keys.setdefault(fold(text), interest.key) != interest.key:
                raise ValueError(f"{text!r} means both {keys[fold(text)]} and {interest.key}")
    return keys


def fold(text: str) -> str:
    """An answer's text without case, accents and spare spaces: " Vóley " is "voley"."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in decomposed if not unicodedata.combining(c)).split())


def key_of(text: str) -> str:
    """The key an answer gets that no interest explains: " Board games " is "boardGames"."""
    first, *others = re.findall(r"\w+", fold(text)) or [""]
    return str(first) + "".join(word[0].upper() + word[1:] for word in others)


def words_of(key: str) -> str:
    """A key as people would say it: "boardGames" is "board games"."""
    spaced = re.sub(r"(?<=[^\W\d_A-Z])(?=[A-Z])", " ", key).replace("_", " ").split()
    return " ".join(word if word.isupper() else word[0].lower() + word[1:] for word in spaced)


def phrase(keys: Iterable[str], interests: Iterable[Interest], language: Language) -> str:
    """The interests as people would list them: "Cine, comida china y hamburguesas".

    A key outside the vocabulary is told by its own words.
    """
    known = {interest.key: interest for interest in interests}
    words = [known[key].within(language) if key in known else words_of(key) or key for key in keys]
    if not words:
        return ""
    *head, last = words
    text = f"{', '.join(head)} {_and(last, language)} {last}" if head else last
    return text[0].upper() + text[1:]


def _and(following: str, language: Language) -> str:
    if language == "en":
        return "and"
    # Spanish "y" turns into "e" before the sound i, but not before the diphthongs hie and hia.
    return "e" if re.match(r"[ií]|h[ií](?![ae])", following, re.IGNORECASE) else "y"
