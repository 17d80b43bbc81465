"""Flask's application, asked to look for nothing that is not there."""

from collections.abc import Callable
from typing import Any

from apiflask import APIFlask
from flask import Flask, Request, Response
from flask.globals import request_ctx
from flask.sessions import NullSession, SessionInterface
from flask.signals import request_tearing_down
from werkzeug.routing import MapAdapter
from werkzeug.wsgi import get_host


class NoSession(SessionInterface):
    """Nobody has a session: there is no secret to sign one with, and whoever asks brings a key."""

    nobodys = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:
        return self.nobodys


class Application(APIFlask):
    """Ours: each view, hook and error handler is a plain function, and few routes have hooks.

    Flask asks five times a request whether a function may be a coroutine, and three times for the
    hooks of each blueprint that the route is in. What it does when there are any is left to it.
    """

    session_interface = NoSession()

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        if request is None or self.config["TRUSTED_HOSTS"] or self.config["SERVER_NAME"]:
            return super().create_url_adapter(request)
        # The host is looked at once instead of three times, and no WebSocket is asked for.
        environ = request.environ
        request.host = get_host(environ)
        return MapAdapter(
            self.url_map,
            request.host.lower(),
            request.root_path,
            "",
            environ["wsgi.url_scheme"],
            request.path,
            request.method,
            environ["QUERY_STRING"],
        )

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func

    def preprocess_request(self) -> Any:
        if self.url_value_preprocessors or self.before_request_funcs.keys() > {None}:
            return super().preprocess_request()
        for hook in self.before_request_funcs.get(None, ()):
            if (answer := hook()) is not None:
                return answer
        return None

    def make_response(self, rv: Any) -> Response:
        return rv if isinstance(rv, Response) else super().make_response(rv)

    def process_response(self, response: Response) -> Response:
        context = request_ctx._get_current_object()  # type: ignore[attr-defined]
        if context._after_request_functions or not self.after_request_funcs.keys().isdisjoint(
            (None, context.request.blueprint)
        ):
            return super().process_response(response)
        return response

    def do_teardown_request(self, exc: Any = None) -> None:
        if self.teardown_request_funcs or request_tearing_down.receivers:
            super().do_teardown_request(exc)
