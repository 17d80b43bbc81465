"""Postal codes tell countries apart: "Córdoba 5000" is in Argentina, "Córdoba 14001" in Spain."""

import re

# Countries whose city names many other countries have. Their codes by the postal services.
PATTERNS = {
    country: re.compile(pattern)
    for country, pattern in {
        "AR": r"[A-Z]?\d{4}(?:[A-Z]{3})?",
        "BR": r"\d{5}-?\d{3}",
        "CL": r"\d{7}|\d{3}-\d{4}",
        "CO": r"\d{6}",
        "CR": r"\d{5}",
        "EC": r"\d{6}",
        "ES": r"(?:0[1-9]|[1-4]\d|5[0-2])\d{3}",
        "MX": r"\d{5}",
        "PE": r"\d{5}",
        "UY": r"\d{5}",
        "VE": r"\d{4}[A-Z]?",
    }.items()
}
MIN_LENGTH = 4
YEAR = re.compile(r"(?:19|20)\d{2}")


def is_code_of(number: str, country: str | None) -> bool:
    """Return whether a number may be a postal code of a country, as far as it is known.

    Shorter numbers and years say nothing.
    """
    if len(number) < MIN_LENGTH or YEAR.fullmatch(number) or country not in PATTERNS:
        return True
    return PATTERNS[country].fullmatch(number.upper()) is not None
