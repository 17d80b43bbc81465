"""Answers whole requests with the application, without a wait for a client."""

from io import BytesIO
from types import SimpleNamespace
from typing import Any

from gunicorn.http import RequestParser
from gunicorn.workers.gthread import ThreadWorker

from app.infra.http_connection import Connection, Request, ResponseBuffer
from app.infra.http_framing import MAX_BODY_BYTES
from app.infra.overload import QueueLimit
from app.infra.refusals import OVERLOADED, TOO_LARGE, refusal, refusal_of

# These need no database, and tell a platform whether to restart the process.
LIVENESS = (b"GET /livez HTTP/", b"HEAD /livez HTTP/")


class AnsweringWorker(ThreadWorker):  # type: ignore[misc]
    """A gthread worker that is given requests which have arrived."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.queue_limit = QueueLimit()

    def handle(self, conn: Connection) -> None:
        """Answer a connection's request, as far as the kernel takes the response."""
        assert conn.request is not None
        response = ResponseBuffer()
        completeness = conn.request.completeness
        if completeness in TOO_LARGE:
            conn.is_kept = False
            response.sendall(refusal(TOO_LARGE[completeness]))
        # Probes do not wait for their turn, which says nothing about the queue.
        elif not is_probe(conn.request) and self.queue_limit.is_exceeded(conn.request.arrived_at):
            response.sendall(refusal(OVERLOADED))
        else:
            conn.is_kept = self._run(conn, conn.request, response)
        conn.respond(response)

    def _run(self, connection: Connection, request: Request, response: ResponseBuffer) -> bool:
        """Run the application; return whether the connection may be kept."""
        parser = RequestParser(self.cfg, [request.data], connection.client)
        parsed = None
        try:
            parsed = next(parser)
            if request.is_chunked:
                # A malformed chunk is refused here, and not where the application reads.
                body = parsed.body.read(MAX_BODY_BYTES + 1)
                parsed.body, is_whole = BytesIO(body), len(body) <= MAX_BODY_BYTES
            else:
                is_whole = content_length(parsed) == request.body_length
            if not is_whole:
                parsed.force_close()
            peer = SimpleNamespace(
                sock=response, client=connection.client, server=connection.server
            )
            is_kept: bool = self.handle_request(parsed, peer)
        except StopIteration:
            return False
        except Exception as error:
            self.handle_error(parsed, response, connection.client, error)
            return False
        return is_kept and not parser.unreader.take_buffered()

    def handle_error(self, req: Any, client: ResponseBuffer, addr: Any, exc: Exception) -> None:
        """Answer an unparsable request with a problem document.

        gunicorn 27.0 answers HTML, and its error line repeats what the client sent.
        """
        client.sendall(refusal(refusal_of(exc)))


def is_probe(request: Request | None) -> bool:
    """Return whether a platform asks whether the process lives."""
    return bool(request and not request.is_chunked and request.data.startswith(LIVENESS))


def content_length(parsed: Any) -> int:
    """Return the length of the body that gunicorn's parser expects."""
    return next((int(value) for name, value in parsed.headers if name == "CONTENT-LENGTH"), 0)
