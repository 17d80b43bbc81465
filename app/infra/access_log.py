"""The service's log: one JSON object a line, written to standard error by a thread of its own.

A request only appends its record to a buffer. A log without a reader (a full pipe) therefore delays
neither a response nor the arbiter, and a killed process loses the records of its last 0.05 seconds.
"""

import logging
import os
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime
from select import PIPE_BUF, select
from threading import Event, Thread
from typing import Any

import orjson

# Maximum delay before buffered log records are written.
FLUSH_INTERVAL_S = 0.05
# A log without a reader loses its oldest records before the process grows.
MAX_BUFFERED_RECORDS = 10_000
CLOSE_TIMEOUT_S = 1.0
STDERR = 2


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
    # Nothing reads these fields of a record (Logging HOWTO, Optimization).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "filters": {"request_details": {"()": RequestDetailsFilter}},
        "handlers": {
            "stderr": {
                "()": BufferedHandler,
                "descriptor": STDERR,
                "formatter": "json",
                "filters": ["request_details"],
            }
        },
        "root": {"level": level, "handlers": ["stderr"]},
        "loggers": {"gunicorn.error": {"level": level, "propagate": True}},
    }


class BufferedHandler(logging.Handler):
    """Buffers records in memory, and writes them from a thread of its own, one in each process.

    A queue that wakes its reader for each record would switch threads in the middle of requests.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._start_writer()

    def _start_writer(self) -> None:
        self._process = os.getpid()
        self._records: deque[logging.LogRecord] = deque(maxlen=MAX_BUFFERED_RECORDS)
        self._is_closing = Event()
        self._writer = Thread(target=self._write, name="log-writer", daemon=True)
        self._writer.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Buffer a record; the oldest is dropped where the buffer is full."""
        if self._process != os.getpid():
            # Threads end at a fork, and the parent writes what it had buffered.
            self._start_writer()
        self._records.append(record)

    def close(self) -> None:
        """Write what is buffered, unless the log accepts nothing for a second."""
        if self._process == os.getpid():
            self._is_closing.set()
            self._writer.join(CLOSE_TIMEOUT_S)
        super().close()

    def _write(self) -> None:
        is_open = True
        while is_open:
            is_open = not self._is_closing.wait(FLUSH_INTERVAL_S)
            # A closed log must not end the thread.
            with suppress(OSError):
                if self._records:
                    self._flush()

    def _flush(self) -> None:
        lines = b""
        while self._records:
            line = self._line(self._records.popleft())
            # Lines of several workers do not mix in writes of up to PIPE_BUF bytes (POSIX).
            if len(lines) + len(line) > PIPE_BUF:
                self._write_all(lines)
                lines = b""
            lines += line
        self._write_all(lines)

    def _write_all(self, lines: bytes) -> None:
        # Not sys.stderr: a thread that blocks in it would hold its lock when the process exits.
        while lines:
            try:
                lines = lines[os.write(self._descriptor, lines) :]
            except BlockingIOError:  # another process made the log non-blocking
                select([], [self._descriptor], [])

    def _line(self, record: logging.LogRecord) -> bytes:
        try:
            return self.format(record).encode() + b"\n"
        except Exception as error:  # one bad record must not end the thread either
            return f'{{"level":"error","event":"log record: {type(error).__name__}"}}\n'.encode()
