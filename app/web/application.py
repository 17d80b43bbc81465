"""Flask's application, asked to look for nothing that is not there."""

from collections.abc import Callable
from typing import Any

from apiflask import APIFlask
from flask import Response
from flask.globals import request_ctx
from flask.signals import request_tearing_down


class Application(APIFlask):
    """Ours: each view, hook and error handler is a plain function, and few routes have hooks.

    Flask asks five times a request whether a function may be a coroutine, and three times for the
    hooks of each blueprint that the route is in. What it does when there are any is left to it.
    """

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func

    def preprocess_request(self) -> Any:
        if self.url_value_preprocessors or self.before_request_funcs.keys() > {None}:
            return super().preprocess_request()
        for hook in self.before_request_funcs.get(None, ()):
            if (answer := hook()) is not None:
                return answer
        return None

    def process_response(self, response: Response) -> Response:
        context = request_ctx._get_current_object()  # type: ignore[attr-defined]
        if (
            self.secret_key
            or context._after_request_functions
            or not self.after_request_funcs.keys().isdisjoint((None, context.request.blueprint))
        ):
            return super().process_response(response)
        return response

    def do_teardown_request(self, exc: Any = None) -> None:
        if self.teardown_request_funcs or request_tearing_down.receivers:
            super().do_teardown_request(exc)
