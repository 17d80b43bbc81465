"""JSON in and out: orjson for Flask, pydantic on the raw bytes for request bodies."""

from typing import Any

import orjson
from apiflask.schema_adapters import registry
from apiflask.schema_adapters.pydantic import PydanticAdapter
from flask import Request, Response
from flask.json.provider import JSONProvider
from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

# The published API ended its answers with a newline; so do all of ours.
OPTIONS = orjson.OPT_APPEND_NEWLINE | orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z


class OrjsonProvider(JSONProvider):
    """Flask's JSON by orjson, which refuses lone surrogates, NaN and nesting bombs."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return orjson.dumps(obj, option=OPTIONS).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return orjson.loads(s)


class RawBodyAdapter(PydanticAdapter):
    """Validates a JSON body straight from its bytes: one parse, whatever Content-Type it bears.

    The pydantic ValidationError goes on as it is, for app/web/errors.py to tell.
    """

    def validate_input(self, request: Request, location: str, **kwargs: Any) -> BaseModel:
        if location == "json":
            return self.model_class.model_validate_json(request.get_data(cache=False))
        repeated = [name for name, values in request.args.lists() if len(values) > 1]
        if repeated:
            # Whichever of the two were taken, the other would be lost in silence.
            raise ValidationError.from_exception_data("query", [_repeated(n) for n in repeated])
        return self.model_class.model_validate(request.args.to_dict())


def _repeated(name: str) -> InitErrorDetails:
    told = PydanticCustomError("repeated", "must stand once in the address")
    return InitErrorDetails(type=told, loc=(name,), input=None)


registry.register("pydantic", RawBodyAdapter)


def respond(document: Any, status: int = 200) -> Response:
    """An answer of JSON; dataclasses, times and lists are written as they are."""
    body = orjson.dumps(document, option=OPTIONS)
    return Response(body, status, content_type="application/json")
