"""Values of cells and documents: ticks, and the ids and numbers of MongoDB."""

import re
from collections.abc import Mapping

from app.infra.csv_cells import unescape

# "verdadero": Excel in Spanish; "1.0": pandas, of a column with empty cells.
TRUE = ("1", "1.0", "true", "t", "verdadero", "yes", "y", "si", "sí", "s", "x", "✓")
FALSE = ("", "0", "0.0", "false", "f", "falso", "no", "n")
TICKS = "0, 1, true, false, yes, no, si or x"
MAX_CACHED_SPELLINGS = 1_000
OBJECT_ID = re.compile(r"""ObjectId\(["']?([^"'()]*)["']?\)|\{\s*"\$oid"\s*:\s*"([^"]*)"\s*\}""")


class TickCells(dict[str, bool]):
    """Whether a cell is a tick, cached by its spelling. Raises KeyError for anything else."""

    def __missing__(self, cell: str) -> bool:
        folded = cell.strip().lower()
        if folded not in TRUE and folded not in FALSE:
            raise KeyError(cell)
        if len(self) < MAX_CACHED_SPELLINGS:
            self[cell] = folded in TRUE
        return folded in TRUE


IS_TICKED = TickCells()


def plain_id(cell: str) -> str:
    """Return the id in a cell that shows it as an ObjectId, or escaped for a spreadsheet."""
    if found := OBJECT_ID.fullmatch(cell):
        return found[1] or found[2] or ""
    return unescape(cell)


def plain_value(value: object) -> object:
    """Return the value of extended JSON, such as 1 of {"$numberInt": "1"}; others unchanged."""
    if isinstance(value, Mapping) and len(value) == 1:
        ((name, inner),) = value.items()
        return inner if isinstance(name, str) and name.startswith("$") else value
    return value


def selected_keys(ticks: Mapping[str, object]) -> list[str]:
    """Return the keys whose values are ticks. Raises KeyError with a key whose value is none."""
    return [key for key, value in ticks.items() if _is_ticked(key, value)]


def _is_ticked(key: str, value: object) -> bool:
    value = plain_value(value)
    if value is None:
        return False
    if not isinstance(value, str | int | float):
        raise KeyError(key)
    try:
        return IS_TICKED[str(value)]
    except KeyError:
        raise KeyError(key) from None
