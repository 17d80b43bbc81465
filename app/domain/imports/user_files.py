"""Opens a user base: a file or standard input, gzipped or not, in CSV or JSON."""

import shutil
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import TextIOWrapper
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from app.domain.imports.csv_reader import CsvReader
from app.domain.imports.interest_keys import InterestKeys
from app.domain.imports.json_reader import JsonReader
from app.domain.imports.row_parser import Reject, UserRow
from model.text_files import UnreadableFile, open_text

SNIFFED_LENGTH = 1_024


class UserFile:
    """The rows of a text, which can be read several times. `line_count`: the number of lines."""

    def __init__(self, text: TextIOWrapper, line_count: int, keys: InterestKeys) -> None:
        """Read the header. Raises UnreadableFile."""
        self.line_count = line_count
        self._text = text
        self._keys = keys
        self._reader = self._begin()

    @property
    def lines(self) -> int:
        """The number of lines read, without the header and blank lines."""
        return self._reader.lines

    def __iter__(self) -> Iterator[UserRow | Reject]:
        """Yield each row, from the first. Raises UnreadableFile."""
        try:
            self._reader = self._begin()
            yield from self._reader
        except (OSError, EOFError, zlib.error) as error:
            number = self._reader.line_number
            raise UnreadableFile(f"the file cannot be read past line {number}: {error}") from error

    def _begin(self) -> CsvReader | JsonReader:
        self._text.seek(0)
        begin = self._text.read(SNIFFED_LENGTH).lstrip()
        self._text.seek(0)
        return (JsonReader if begin.startswith(("{", "[")) else CsvReader)(self._text, self._keys)


@contextmanager
def open_users(path: str, keys: InterestKeys) -> Iterator[UserFile]:
    """Open a file, or standard input (`-`), once all of it has been checked.

    Raises UnreadableFile.
    """
    with ExitStack() as stack:
        try:
            file = stack.enter_context(_open_seekable(path))
            text, line_count = open_text(file, "surrogateescape")
        except OSError as error:
            raise UnreadableFile(f"{path} cannot be read: {error.strerror or error}") from error
        yield UserFile(text, line_count, keys)


@contextmanager
def _open_seekable(path: str) -> Iterator[IO[bytes]]:
    """Open a file; a pipe is copied to a file without a name, which only this process can read."""
    with ExitStack() as stack:
        is_stdin = path == "-"
        file = sys.stdin.buffer if is_stdin else stack.enter_context(Path(path).open("rb"))
        if is_stdin or not file.seekable():
            copy = stack.enter_context(TemporaryFile())
            shutil.copyfileobj(file, copy)
            copy.seek(0)
            file = copy
        yield file
