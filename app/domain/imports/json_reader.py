"""Reads a user base from JSON: a document a line, or one array of documents.

mongoexport writes both, in MongoDB's extended JSON, and `users export --jsonl` the first.
"""

from collections.abc import Iterator, Mapping
from typing import IO

import orjson

from app.domain.imports.columns import (
    ID_COLUMNS,
    INTERESTS,
    NO_INTERESTS,
    PLACE_COLUMNS,
    Columns,
)
from app.domain.imports.documents import TICKS, plain_value, selected_keys
from app.domain.imports.interest_keys import InterestKeys
from app.domain.imports.row_parser import InvalidField, Reject, RowParser, UserRow
from app.infra.csv_cells import escape
from model.text_files import UnreadableFile

# An array is read into memory as a whole.
MAX_ARRAY_LENGTH = 64 << 20
# The cells of a document's row.
NAMES = ("_id", *PLACE_COLUMNS, INTERESTS)
COLUMNS = Columns(
    names=NAMES, count=5, user_id=0, city=1, city_id=2, country=3, interests=4, ticks={}
)
NO_DOCUMENT = "is not a JSON document on one line"


class JsonReader:
    """Iterates over the documents of a file: each is a user or a reject."""

    def __init__(self, text: IO[str], keys: InterestKeys) -> None:
        self._text = text
        self._parser = RowParser(COLUMNS, keys)
        self.line_number = 0
        self.lines = 0

    def __iter__(self) -> Iterator[UserRow | Reject]:
        """Yield each document's row. Raises UnreadableFile."""
        for document in self._documents():
            self.lines += 1
            yield self._parse(document)

    def _documents(self) -> Iterator[object]:
        """Yield each document, None where a line is none; an array's have the number of lines."""
        for line in self._text:
            self.line_number += 1
            if not line.strip():
                continue
            if not self.lines and line.lstrip().startswith("["):
                yield from self._array(line)
                return
            try:
                document = orjson.loads(line)
            except ValueError as error:
                if not self.lines:
                    raise UnreadableFile(
                        f"line {self.line_number} {NO_DOCUMENT}: export without --pretty"
                    ) from error
                document = None
            yield document

    def _array(self, begin: str) -> Iterator[object]:
        text = begin + self._text.read(MAX_ARRAY_LENGTH)
        if len(text) >= MAX_ARRAY_LENGTH:
            raise UnreadableFile("the JSON array is too large: export without --jsonArray")
        try:
            documents = orjson.loads(text)
        except ValueError as error:
            raise UnreadableFile(f"the file is not valid JSON: {error}") from error
        for self.line_number, document in enumerate(documents, 1):
            yield document

    def _parse(self, document: object) -> UserRow | Reject:
        user_id = ""
        try:
            if not isinstance(document, dict):
                raise InvalidField("", NO_DOCUMENT)
            id_field = next((name for name in ID_COLUMNS if name in document), "_id")
            user_id = _text(document, id_field)
            # JSON is never escaped, and the parser restores the texts of cells.
            places = [escape(_text(document, name)) for name in PLACE_COLUMNS]
            interests = _interests(document)
        except InvalidField as error:
            return Reject(self.line_number, user_id, error.field, error.reason)
        return self._parser.parse(self.line_number, [user_id, *places, interests])


def _text(document: Mapping[str, object], name: str) -> str:
    value = plain_value(document.get(name))
    if value is None:
        return ""
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    raise InvalidField(name, "must be a text")


def _interests(document: Mapping[str, object]) -> str:
    """Return the cell of a document's interests: those of its field, or of all its other fields."""
    field = document.get(INTERESTS, document)
    if isinstance(field, str) or field is None:
        return field or ""
    if isinstance(field, dict):
        ticks = {key: field[key] for key in field.keys() - NO_INTERESTS}
        try:
            field = selected_keys(ticks)
        except KeyError as error:
            raise InvalidField(error.args[0][:80], f"must be {TICKS}") from None
    if isinstance(field, list) and all(isinstance(key, str) for key in field):
        return orjson.dumps(field).decode()
    raise InvalidField(INTERESTS, "must be a list of keys, or an object of true and false")
