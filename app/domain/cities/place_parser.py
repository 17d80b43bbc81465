"""The grammar of typed places: segments, parts, and the spellings of a part.

    typed     = segment { alternative segment }        "London, UK / Madrid"
    segment   = part { separator part }                "Granada (Andalucía), España"
    part      = { noise } name { noise } [ number ]    "28004 Madrid capital"

A flag emoji is a country. A number that is no house number is a postal code, and separates parts as
a comma does. Which part is the name and which are areas is decided by what the gazetteer has
(`place_reader.py`).
"""

import re
from collections.abc import Iterator
from itertools import islice, product
from typing import NamedTuple

from app.domain.cities.normalize import fold
from app.domain.cities.words import ABBREVIATIONS, ARTICLES, NOISE

SEPARATORS = r"[,;:|()\[\]{}\"<>=~•·、，；：（）\n]+|\s[-–—‐‑]+\s?|\s?[-–—‐‑]+\s|-{2,}|[–—]"
ALTERNATIVES = r"[/\\&+→⇄⇆⇔↔✈≜⊕]|->|>>"
WORDS_BETWEEN = r"\s(?:and|y|und|et|or|o|e|i|to|vs)\s"
# Signs that separate parts only where the gazetteer has the parts: "Madrid-España", "Vigo. Spain".
WEAK_SEPARATORS = r"\.\s+|\.$|\.(?=\S{3})|[-_‐‑]"
FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
FIRST_FLAG_LETTER = 0x1F1E6
# A token with a digit, and the letters of Dutch codes: "28004", "D-80805", "E2", "1012 AB".
NUMBER = re.compile(r"\b\d{4}\s?[A-Z]{2}(?=\s|$)|\S*\d\S*")
MAX_HOUSE_NUMBER_DIGITS = 3
STREET_NUMBER = re.compile(r"(?i)\bs\s*/\s*n\b\.?|\bs\.\s?n\.|\bsn\b(?=\s*[\d,])")
# A part that is split further: "Estados Unidos de América" is the longest area without a comma.
MAX_AREA_WORDS = 4
MAX_SPELLINGS = 12
# Scripts without spaces between words: a country may stand before a city, as in 日本東京.
UNSPACED = re.compile(r"^[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]{3,12}$")
CONNECTORS = frozenset(["da", "de", "del", "di", "do", "in", "of"])
SLASHED = [
    (re.compile(rf"(?i)(?<!\w){re.escape(short)}(?=\W|$)"), longs[0])
    for short, longs in ABBREVIATIONS.items()
    if "/" in short
]


class Part(NamedTuple):
    """A part of a typed place, and the number that follows it."""

    text: str
    number: str = ""

    @property
    def is_street(self) -> bool:
        """Whether the number is a house number; a longer one is a postal code."""
        digits = sum(map(str.isdigit, re.split("[-/]", self.number)[0]))
        return 0 < digits <= MAX_HOUSE_NUMBER_DIGITS

    @property
    def full_text(self) -> str:
        """The text with its house number, which may tell two places apart."""
        return f"{self.text} {self.number}" if self.is_street else self.text


# Parts that belong together, the name and its areas; several segments are several places.
Segment = tuple[Part, ...]


class Parse(NamedTuple):
    """One way to divide a text; `is_strict`: made at signs that separate whatever is between."""

    segments: tuple[Segment, ...]
    is_strict: bool


class TypedPlace(NamedTuple):
    """A typed place: its divisions, the likeliest first, and the countries of its flags."""

    text: str
    key: str
    parses: tuple[Parse, ...]
    flags: tuple[str, ...]


def parse(typed: str) -> TypedPlace:
    """Return the divisions of a typed place."""
    flags = tuple(
        "".join(chr(ord(letter) - FIRST_FLAG_LETTER + ord("A")) for letter in flag)
        for flag in FLAG.findall(typed)
    )
    text = FLAG.sub(" ", typed) if flags else typed
    for short, long in SLASHED:
        text = short.sub(long, text)
    levels = [
        (SEPARATORS, ALTERNATIVES),
        (SEPARATORS, f"{ALTERNATIVES}|{WORDS_BETWEEN}"),
        (f"{SEPARATORS}|{WEAK_SEPARATORS}", ALTERNATIVES),
        (f"{SEPARATORS}|{WEAK_SEPARATORS}", f"{ALTERNATIVES}|{WORDS_BETWEEN}"),
    ]
    parses: dict[tuple[Segment, ...], Parse] = {}
    for number, (separators, alternatives) in enumerate(levels):
        segments = tuple(_segments(text, separators, alternatives))
        if segments:
            parses.setdefault(segments, Parse(segments, number == 0))
    return TypedPlace(text, fold(text), tuple(parses.values()), flags)


def parts_of(typed: str) -> list[Part]:
    """Return the parts of a typed place in their order, without noise and numbers."""
    parses = parse(typed).parses
    parts = [part for segment in (parses[0].segments if parses else ()) for part in segment]
    return [part for part in parts if not is_noise(part)]


def is_noise(part: Part) -> bool:
    """Return whether a part says nothing about where the place is."""
    key = fold(part.text)
    return key in NOISE["alone"] or (len(key) == 1 and key.isascii())


def is_divided(typed: str) -> bool:
    """Return whether a text has a sign, a number or a flag that divides it into parts."""
    return DIVIDING.search(typed) is not None


def is_one_name(typed: str) -> bool:
    """Return whether only short numbers divide a text: they are a part of an unknown name."""
    return not OTHERWISE_DIVIDING.search(typed)


# A postal code has four digits and more.
OTHERWISE_DIVIDING = re.compile(rf"{SEPARATORS}|{ALTERNATIVES}|\d{{4}}|{FLAG.pattern}")
DIVIDING = re.compile(rf"{SEPARATORS}|{ALTERNATIVES}|\d|{FLAG.pattern}")


def _segments(text: str, separators: str, alternatives: str) -> Iterator[Segment]:
    for segment in re.split(f"(?i){alternatives}", text):
        parts = tuple(_parts(segment, separators))
        if parts:
            yield parts


def _parts(segment: str, separators: str) -> Iterator[Part]:
    for text in re.split(f"(?i){separators}", STREET_NUMBER.sub(" 0 ", segment)):
        position = 0
        for number in NUMBER.finditer(text):
            yield from _part(text[position : number.start()], number.group())
            position = number.end()
        yield from _part(text[position:], "")


def _part(text: str, number: str) -> Iterator[Part]:
    if fold(text):
        yield Part(text.strip(), number)


def spellings(text: str) -> list[str]:
    """Return the keys of a part: as typed, without noise, and with words written out."""
    key = fold(text)
    keys = dict.fromkeys(_without_noise(key))
    if len(key) == 2 * key.count(" ") + 1:  # "N. Y.", "D.F."
        keys[key.replace(" ", "")] = None
    for plain in list(keys):
        for written in _written_out(plain):
            keys.update(dict.fromkeys(_without_noise(written)))
    for article in ("l", "la", "el", "los", "las", "o", "a") if len(key) > 3 else ():  # not "la e"
        keys.setdefault(f"{article} {key}")
    return list(keys)


def _without_noise(key: str) -> Iterator[str]:
    """Yield a key, and what remains as words of noise are taken from its beginning and end."""
    yield key
    words = key.split()
    for begin, end in _noise_spans(words):
        if remaining := " ".join(words[begin:end]):
            yield remaining
    if plain := without_ending(key):
        yield plain


def without_ending(key: str) -> str:
    """Return an unspaced name without the last sign that says what it is (仙台市), else nothing."""
    return key[:-1] if UNSPACED.match(key) and key[-1] in NOISE["after"] else ""


def _noise_spans(words: list[str]) -> Iterator[tuple[int, int]]:
    begins, ends = [0], [len(words)]
    for number in range(1, len(words)):
        if any(" ".join(words[begin:number]) in NOISE["before"] for begin in begins):
            begins.append(number)
    for number in range(len(words) - 1, 0, -1):
        if any(" ".join(words[number:end]) in NOISE["after"] for end in ends):
            ends.append(number)
    spans = [(begin, end) for begin in begins for end in ends if begin < end]
    return iter(sorted(spans, key=lambda span: (span[0] - span[1], span[0]))[1:])


def _written_out(key: str) -> Iterator[str]:
    """Yield the key with its abbreviations written out, in all ways."""
    for short in sorted(ABBREVIATIONS, key=len, reverse=True):
        if " " in short and f" {short} " in f" {key} ":
            for long in ABBREVIATIONS[short]:
                yield f" {key} ".replace(f" {short} ", f" {long} ").strip()
    choices = [[*ABBREVIATIONS.get(word, []), word] for word in key.split()]
    if any(len(words) > 1 for words in choices):
        for words in islice(product(*choices), MAX_SPELLINGS):
            yield " ".join(words)


def word_splits(text: str) -> list[tuple[str, str]]:
    """Return pairs of a name and an area that stand in a part without a sign between them."""
    if UNSPACED.match(text):
        return [(text[number:], text[:number]) for number in range(min(5, len(text) - 1), 1, -1)]
    words = text.split()
    splits = []
    for count in range(min(MAX_AREA_WORDS, len(words) - 1), 0, -1):
        name = words[:-count]
        splits.append((" ".join(name), " ".join(words[-count:])))
        if len(name) > 1 and fold(name[-1]) in CONNECTORS:  # "Ciutadella de Menorca"
            splits.append((" ".join(name[:-1]), " ".join(words[-count:])))
        splits.append((" ".join(words[count:]), " ".join(words[:count])))
    return splits


def with_article(name: str, article: str) -> list[str]:
    """Return the keys of a name whose article was written as a part after it; none if it is not."""
    key = fold(article)
    return [f"{key} {fold(name)}", fold(name)] if key in ARTICLES else []


def word_runs(text: str) -> list[str]:
    """Return all runs of up to four words of a text, folded: a city may stand in it as a word."""
    words = fold(text).split()
    return [
        " ".join(words[begin : begin + count])
        for count in range(MAX_AREA_WORDS, 0, -1)
        for begin in range(len(words) - count + 1)
    ]
