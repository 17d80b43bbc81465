"""What fields of a request may hold, said once for every route."""

import math
from collections.abc import Collection
from itertools import compress
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainValidator, StringConstraints, WithJsonSchema
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from app.domain.input_limits import (
    CONTROL_CHARACTER,
    MAX_CITY_LENGTH,
    MAX_INTEREST_LENGTH,
    MAX_INTERESTS,
    USER_ID_PATTERN,
    are_interest_keys,
)
from app.infra.country_codes import COUNTRY_CODES

LONGEST_NUMBER = 64
TICK_TYPES, TICKS = {bool, int}, {False, True}
PRINTABLE = r"^[^\u0000-\u001f\u007f-\u009f]*$"


def _printable(text: str) -> str:
    if CONTROL_CHARACTER.search(text):
        raise PydanticCustomError("control", "must not hold control characters")
    return text


def _country(code: str) -> str:
    code = code.upper()
    if code not in COUNTRY_CODES:
        raise PydanticCustomError("country", "must be an ISO 3166-1 alpha-2 code, such as ES")
    return code


UserId = Annotated[
    str,
    StringConstraints(strict=True, min_length=1, max_length=64, pattern=rf"^{USER_ID_PATTERN}$"),
    Field(description="The app's id of the user.", examples=["6172f1a95cd4e7a2b4c3d2e1"]),
]
CityName = Annotated[
    str,
    StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=MAX_CITY_LENGTH),
    AfterValidator(_printable),
    Field(
        description="The city as the user typed it; has a letter or a digit.",
        examples=["Sevilla"],
        json_schema_extra={"pattern": PRINTABLE},
    ),
]
Country = Annotated[
    str,
    StringConstraints(strict=True, min_length=2, max_length=2),
    AfterValidator(_country),
    Field(
        description="ISO 3166-1 alpha-2 code, or XK, in either case.",
        examples=["ES"],
        json_schema_extra={"pattern": "^[A-Za-z]{2}$"},
    ),
]


def _fault(location: tuple[str | int, ...], message: str, given: Any) -> InitErrorDetails:
    return InitErrorDetails(
        type=PydanticCustomError("interests", message),
        loc=location,
        input=given,
    )


def _ticked(given: Any) -> list[str]:
    """The ticked keys of either form: an object of booleans, or a list of keys."""
    faults: list[InitErrorDetails] = []
    keys: Collection[str]
    if isinstance(given, dict):
        keys, ticked = given, list(compress(given, given.values()))
        if not set(map(type, given.values())) <= {bool}:
            # 1.0 and "yes" are guesses.
            told = "must be true or false (1 and 0 are accepted)"
            for key, tick in given.items():
                if type(tick) not in TICK_TYPES or tick not in TICKS:
                    faults.append(_fault((key,), told, tick))
    elif isinstance(given, list):
        told = "must be an interest's key, a string"
        for position, key in enumerate(given):
            if not isinstance(key, str):
                faults.append(_fault((position,), told, key))
        keys = ticked = [key for key in given if isinstance(key, str)]
    else:
        keys = ticked = []
        faults.append(_fault((), "must be an object of booleans or a list of keys", given))
    if len(keys) > MAX_INTERESTS:
        faults = [_fault((), f"must hold at most {MAX_INTERESTS} interests", None)]
    elif not are_interest_keys(keys):
        told = f"a key must have 1 to {MAX_INTEREST_LENGTH} characters, none of control"
        faults.append(_fault((), told, None))
    if faults:
        raise ValidationError.from_exception_data("interests", faults)
    return ticked


_KEY_SCHEMA = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_INTEREST_LENGTH,
    "pattern": PRINTABLE,
}
Interests = Annotated[
    list[str],
    PlainValidator(_ticked),
    WithJsonSchema(
        {
            "oneOf": [
                {
                    "type": "object",
                    "maxProperties": MAX_INTERESTS,
                    "propertyNames": _KEY_SCHEMA,
                    "additionalProperties": {"enum": [True, False, 0, 1]},
                },
                {"type": "array", "maxItems": MAX_INTERESTS, "items": _KEY_SCHEMA},
            ]
        }
    ),
    Field(
        description="What the user ticked: booleans by key (one left out: false), or the keys.",
        examples=[{"surf": True, "coffee": True, "museums": False}],
    ),
]


def _echoed(given: Any) -> str | int | float:
    if isinstance(given, str):
        return given
    if isinstance(given, float) and math.isfinite(given):
        return given
    if type(given) is int:
        # Thousands of digits parse, but cannot be printed.
        if abs(given) < 10**LONGEST_NUMBER:
            return given
        raise PydanticCustomError("number", f"must have at most {LONGEST_NUMBER} digits")
    raise PydanticCustomError("echoed", "must be a string or a number")


EchoedId = Annotated[
    str | int | float,
    PlainValidator(_echoed),
    WithJsonSchema({"type": ["string", "number"]}),
    Field(description="Any string or number; comes back as it is.", examples=["6172f1a95cd4"]),
]
