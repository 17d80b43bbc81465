"""The service's log: one JSON object a line, written to standard error by a thread of its own.

A request only appends its record to a queue. A log that nobody reads (a full pipe) therefore holds
up no response, and a killed worker loses the records that were not written yet.
"""

import atexit
import logging
import logging.handlers
import queue
from contextlib import suppress
from datetime import UTC, datetime
from threading import Thread
from typing import Any

import orjson

# A log that nobody reads drops new records before the process grows.
MAX_QUEUED_RECORDS = 10_000
EXIT_FLUSH_TIMEOUT_S = 1.0


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object; `extra={"fields": …}` adds members to it."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
        }
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return orjson.dumps(line, option=orjson.OPT_UTC_Z).decode()


class RequestDetailsFilter(logging.Filter):
    """Removes paths and headers, which hold ids and keys, from gunicorn's own error record."""

    def filter(self, record: logging.LogRecord) -> bool:
        if str(record.msg).startswith("Error handling request"):
            record.msg, record.args, record.exc_info = "error handling request", (), None
        return True


def logging_config(level: str) -> dict[str, Any]:
    """Return logging.config.dictConfig's argument: every logger writes JSON to standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "filters": {"request_details": {"()": RequestDetailsFilter}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "json",
                "filters": ["request_details"],
            }
        },
        "root": {"level": level, "handlers": ["stderr"]},
        "loggers": {"gunicorn.error": {"level": level, "propagate": True}},
    }


class LossyQueueHandler(logging.handlers.QueueHandler):
    """A QueueHandler that drops a record when the queue is full."""

    def enqueue(self, record: logging.LogRecord) -> None:
        with suppress(queue.Full):
            self.queue.put_nowait(record)

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        # The base class formats the record for another process; the writer runs in this one.
        return record


def write_from_a_thread() -> None:
    """Hand the root logger's records to a writer thread; call it after the fork.

    Records that are queued at exit are written, unless the log takes none for a second.
    """
    root = logging.getLogger()
    handlers = root.handlers
    records: queue.Queue[logging.LogRecord | None] = queue.Queue(MAX_QUEUED_RECORDS)

    def write() -> None:
        while record := records.get():
            for handler in handlers:
                handler.handle(record)

    writer = Thread(target=write, name="log-writer", daemon=True)
    writer.start()
    root.handlers = [LossyQueueHandler(records)]

    def flush() -> None:
        with suppress(queue.Full):
            records.put_nowait(None)
            writer.join(EXIT_FLUSH_TIMEOUT_S)

    atexit.register(flush)
