"""Cells of CSV files that spreadsheets would run as formulas.

OWASP, "CSV Injection": a cell that begins with = + - @, a tab or a carriage return is preceded by
an apostrophe. So is one that already has such apostrophes, and `unescape` restores every text.
"""

import re
from typing import Any

_begins_formula = re.compile(r"'*[=+\-@\t\r]").match


def escape(cell: Any) -> Any:
    """Return a cell that a spreadsheet shows as text; numbers are unchanged."""
    return f"'{cell}" if isinstance(cell, str) and _begins_formula(cell) else cell


def unescape(cell: str) -> str:
    """Return the text of a cell that `escape` returned."""
    return cell[1:] if cell.startswith("'") and _begins_formula(cell) else cell
