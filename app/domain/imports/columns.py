"""Finds the columns of a user base by their headings."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from app.domain.imports.interest_keys import InterestKeys
from app.domain.input_limits import are_interest_keys
from model.text_files import UnreadableFile

ID_COLUMNS = ("_id", "user_id", "id")
PLACE_COLUMNS = ("city", "city_id", "country")
INTERESTS = "interests"
# Before an interest's key in the columns of mongoexport.
FIELD_PREFIX = "interests."
# __v: the version of a document, which mongoose stores in each.
NO_INTERESTS = frozenset(("", *ID_COLUMNS, *PLACE_COLUMNS, INTERESTS, "__v"))
MAX_SHOWN_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Columns:
    """Positions of a file's columns; None: the file lacks it.

    `names`: the headings. `interests`: a column of keys. `ticks`: for each interest with a column
    of its own its key and position, in code point order of the keys.
    """

    names: tuple[str, ...]
    count: int
    user_id: int
    city: int | None
    city_id: int | None
    country: int | None
    interests: int | None
    ticks: dict[str, int]


def find_columns(header: Sequence[str], keys: InterestKeys) -> Columns:
    """Return the columns of a file with these headings. Raises UnreadableFile."""
    positions = _positions(header)
    id_column = next((name for name in ID_COLUMNS if name in positions), None)
    if id_column is None:
        raise UnreadableFile(
            f"the first line must name the columns, including _id; it is: {_shown(header)}"
        )
    if "city" not in positions and "city_id" not in positions:
        raise UnreadableFile("the file has neither a column city nor a column city_id")
    return Columns(
        names=tuple(header),
        count=len(header),
        user_id=positions[id_column],
        city=positions.get("city"),
        city_id=positions.get("city_id"),
        country=positions.get("country"),
        interests=positions.get(INTERESTS),
        ticks=_find_ticks(positions, keys),
    )


def _positions(header: Sequence[str]) -> dict[str, int]:
    """Return the position of each heading; those of ids and places in any case."""
    positions: dict[str, int] = {}
    for position, name in enumerate(header):
        folded = name.casefold()
        name = folded if folded in NO_INTERESTS else name
        if name and name in positions:
            raise UnreadableFile(f"the column {_shown([name])} is there twice")
        positions[name] = position
    return positions


def _find_ticks(positions: dict[str, int], keys: InterestKeys) -> dict[str, int]:
    fields = [name for name in positions if name.startswith(FIELD_PREFIX)]
    names = [name for name in positions if name not in NO_INTERESTS]
    key_of = {name: keys[name.removeprefix(FIELD_PREFIX)] for name in names}
    if fields:  # a column without the prefix may be another field of mongoexport's
        names = [name for name in names if name in fields or _may_be_known(key_of[name], keys)]
        key_of = {name: key_of[name] for name in names}
    if INTERESTS in positions:
        rivals = fields or [name for name in names if key_of[name] in keys.known]
        if rivals:
            raise UnreadableFile(
                f"the file has a column interests and a column {_shown(rivals[:1])}: keep one"
            )
        return {}
    if not names:
        raise UnreadableFile("the file has neither a column interests nor a column of an interest")
    ticks: dict[str, str] = {}
    for name, key in sorted(key_of.items(), key=lambda item: item[1]):
        if not are_valid_keys([key]):
            raise UnreadableFile(f"the column {_shown([name])} cannot be an interest")
        if key in ticks:
            both = f"{_shown([ticks[key]])} and {_shown([name])}"
            raise UnreadableFile(f"the columns {both} are both the interest {key}")
        ticks[key] = name
    return {key: positions[name] for key, name in ticks.items()}


def _may_be_known(key: str, keys: InterestKeys) -> bool:
    """Return whether a key is one of the model, or probably a misspelling of one."""
    return key in keys.known or keys.near(key) is not None


def are_valid_keys(keys: Collection[str]) -> bool:
    """Return whether each text can be an interest's key."""
    return are_interest_keys(keys) and all(map(was_utf8, keys))


def was_utf8(text: str) -> bool:
    """Return whether the text was valid UTF-8 in the file; other bytes were read as surrogates."""
    return text.isascii() or not any("\udc80" <= character <= "\udcff" for character in text)


def _shown(names: Sequence[str]) -> str:
    """Return headings for a message: the beginning, in printable characters."""
    text = ",".join(name[:MAX_SHOWN_LENGTH] for name in names)[: 2 * MAX_SHOWN_LENGTH]
    return "".join(character if character.isprintable() else "?" for character in text)
