"""What a route takes: one pydantic model, told to OpenAPI and validated without layers between."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, Literal

from apiflask import APIBlueprint
from flask import Request, Response
from flask.globals import request_ctx
from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError
from werkzeug.exceptions import ClientDisconnected

from app.limits import LARGEST_BODY

View = Callable[..., Response]


def takes(
    blueprint: APIBlueprint,
    schema: type[BaseModel],
    location: Literal["json", "query"] = "json",
    **documented: Any,
) -> Callable[[View], View]:
    """Give a view its validated input as the first argument.

    Stands above `blueprint.output` and `blueprint.doc`. APIFlask's own decorators are asked to
    document and are then left out: each puts its layers around every call, and what they would do
    is done here (bodies are JSON whatever their Content-Type, read and validated in one parse; a
    repeated query parameter is refused) and in `respond`. pydantic's ValidationError goes on as it
    is, for app/web/errors.py to tell.
    """

    def decorate(view: View) -> View:
        told = blueprint.input(schema, location=location, **documented)(view)
        validator = schema.__pydantic_validator__
        plain: View = inspect.unwrap(view)

        @functools.wraps(told)
        def of_body(**arguments: Any) -> Response:
            return plain(validator.validate_json(_body(request_ctx.request)), **arguments)

        @functools.wraps(told)
        def of_query(**arguments: Any) -> Response:
            return plain(validator.validate_python(_query(request_ctx.request)), **arguments)

        return of_body if location == "json" else of_query

    return decorate


def _body(request: Request) -> bytes:
    """The request's body. Raises RequestEntityTooLarge, ClientDisconnected."""
    told = request.environ.get("CONTENT_LENGTH") or ""
    if not told.isdecimal() or int(told) > LARGEST_BODY:
        return request.get_data(cache=False)
    # Of a known length, and small: past the streams that werkzeug reads others by.
    body: bytes = request.environ["wsgi.input"].read(int(told))
    if len(body) < int(told):
        raise ClientDisconnected
    return body


def _query(request: Request) -> dict[str, str]:
    """The query's parameters. Raises ValidationError when one stands there twice."""
    repeated = [name for name, values in request.args.lists() if len(values) > 1]
    if repeated:
        # Whichever of the two were taken, the other would be lost in silence.
        raise ValidationError.from_exception_data("query", [_repeated(n) for n in repeated])
    return request.args.to_dict()


def _repeated(name: str) -> InitErrorDetails:
    told = PydanticCustomError("repeated", "must stand once in the address")
    return InitErrorDetails(type=told, loc=(name,), input=None)
