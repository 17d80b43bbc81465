"""The types of request fields: validation, JSON schema and description."""

import math
from collections.abc import Collection
from itertools import compress
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Field,
    PlainValidator,
    RootModel,
    StringConstraints,
    WithJsonSchema,
)
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

MAX_DIGITS = 64
FLAG_TYPES, FLAGS = {bool, int}, {False, True}
PRINTABLE = r"^[^\u0000-\u001f\u007f-\u009f]*$"


def _check_printable(text: str) -> str:
    if CONTROL_CHARACTER.search(text):
        raise PydanticCustomError("control", "must not contain control characters")
    return text


def _check_country(code: str) -> str:
    code = code.upper()
    if code not in COUNTRY_CODES:
        raise PydanticCustomError("country", "must be an ISO 3166-1 alpha-2 code, such as ES")
    return code


UserId = Annotated[
    str,
    StringConstraints(strict=True, min_length=1, max_length=64, pattern=rf"^{USER_ID_PATTERN}$"),
    Field(description="The user's id in the app.", examples=["6172f1a95cd4e7a2b4c3d2e1"]),
]
CityName = Annotated[
    str,
    StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=MAX_CITY_LENGTH),
    AfterValidator(_check_printable),
    Field(
        description="The city as the user typed it, with at least one letter or digit.",
        examples=["Sevilla"],
        json_schema_extra={"pattern": PRINTABLE},
    ),
]
Country = Annotated[
    str,
    StringConstraints(strict=True, min_length=2, max_length=2),
    AfterValidator(_check_country),
    Field(
        description="ISO 3166-1 alpha-2 code or XK, case-insensitive.",
        examples=["ES"],
        json_schema_extra={"pattern": "^[A-Za-z]{2}$"},
    ),
]


def _error(location: tuple[str | int, ...], message: str, value: Any) -> InitErrorDetails:
    return InitErrorDetails(
        type=PydanticCustomError("interests", message), loc=location, input=value
    )


def _selected_keys(value: Any) -> list[str]:
    """Return the selected keys of an object of booleans or of a list of keys."""
    errors: list[InitErrorDetails] = []
    keys: Collection[str]
    if isinstance(value, dict):
        keys, selected = value, list(compress(value, value.values()))
        if not set(map(type, value.values())) <= {bool}:
            # What 1.0 or "yes" means would be a guess, so both are refused.
            message = "must be true or false (1 and 0 are accepted)"
            for key, flag in value.items():
                if type(flag) not in FLAG_TYPES or flag not in FLAGS:
                    errors.append(_error((key,), message, flag))
    elif isinstance(value, list):
        message = "must be an interest's key, a string"
        for position, key in enumerate(value):
            if not isinstance(key, str):
                errors.append(_error((position,), message, key))
        keys = selected = [key for key in value if isinstance(key, str)]
    else:
        keys = selected = []
        errors.append(_error((), "must be an object of booleans or a list of keys", value))
    if len(keys) > MAX_INTERESTS:
        errors = [_error((), f"must have at most {MAX_INTERESTS} interests", None)]
    elif not are_interest_keys(keys):
        message = f"a key must have 1 to {MAX_INTEREST_LENGTH} characters, no control characters"
        errors.append(_error((), message, None))
    if errors:
        raise ValidationError.from_exception_data("interests", errors)
    return selected


_KEY_SCHEMA = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_INTEREST_LENGTH,
    "pattern": PRINTABLE,
}
_LIST_SCHEMA = {"type": "array", "maxItems": MAX_INTERESTS, "items": _KEY_SCHEMA}
_FLAGS_SCHEMA = {
    "type": "object",
    "maxProperties": MAX_INTERESTS,
    "propertyNames": _KEY_SCHEMA,
    "additionalProperties": {"type": "boolean"},
}


class InterestFlags(RootModel[dict[str, bool]]):
    """Whether each interest is selected: a missing one is not; 0 and 1 are accepted as well."""

    root: Annotated[dict[str, bool], WithJsonSchema(_FLAGS_SCHEMA)]


Interests = Annotated[
    list[str],
    PlainValidator(
        _selected_keys,
        json_schema_input_type=Annotated[list[str], WithJsonSchema(_LIST_SCHEMA)] | InterestFlags,
    ),
    Field(
        description="The selected interests: a list of their keys, or booleans by key.",
        examples=[["surf", "coffee"]],
    ),
]


def _check_echoed_id(value: Any) -> str | int | float:
    if isinstance(value, str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if type(value) is int:
        # Python parses an integer of thousands of digits but refuses to print it.
        if abs(value) < 10**MAX_DIGITS:
            return value
        raise PydanticCustomError("number", f"must have at most {MAX_DIGITS} digits")
    raise PydanticCustomError("echoed", "must be a string or a number")


EchoedId = Annotated[
    str | int | float,
    PlainValidator(_check_echoed_id),
    WithJsonSchema({"type": ["string", "number"]}),
    Field(description="Any string or number; returned unchanged.", examples=["6172f1a95cd4"]),
]
