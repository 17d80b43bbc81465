"""Validates requests: each view that takes input names one pydantic model."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

View = Callable[..., Response]


@dataclass(frozen=True, slots=True)
class Input:
    """What a view accepts: a JSON body or query parameters, with examples for the documentation."""

    schema: type[BaseModel]
    location: Literal["json", "query"]
    examples: dict[str, Any]


# By endpoint; app.api.openapi documents them.
INPUTS: dict[str, Input] = {}


def accepts(
    blueprint: APIBlueprint,
    schema: type[BaseModel],
    location: Literal["json", "query"] = "json",
    **examples: Any,
) -> Callable[[View], View]:
    """Give a view its validated input as the first argument.

    APIFlask's own `input` decorator parses with Flask's JSON provider first, which loses integers
    of more than 64 bits. Here a body is JSON whatever its Content-Type and is parsed and validated
    in one step, and a repeated query parameter is refused. pydantic's ValidationError is left to
    app.api.errors. `examples`: `example` or `examples`, as in OpenAPI.
    """

    def decorate(view: View) -> View:
        INPUTS[f"{blueprint.name}.{view.__name__}"] = Input(schema, location, examples)

        @functools.wraps(view)
        def with_body(**arguments: Any) -> Response:
            return view(schema.model_validate_json(request.get_data(cache=False)), **arguments)

        @functools.wraps(view)
        def with_query(**arguments: Any) -> Response:
            return view(schema.model_validate(_query_parameters()), **arguments)

        return with_body if location == "json" else with_query

    return decorate


def _query_parameters() -> dict[str, str]:
    """Return the query's parameters. Raises ValidationError when one is repeated."""
    repeated = [name for name, values in request.args.lists() if len(values) > 1]
    if repeated:
        # Picking one of the two values would ignore the other silently.
        raise ValidationError.from_exception_data("query", [_repeated(name) for name in repeated])
    return request.args.to_dict()


def _repeated(name: str) -> InitErrorDetails:
    error = PydanticCustomError("repeated", "must not be repeated")
    return InitErrorDetails(type=error, loc=(name,), input=None)
