"""Opens text files as other programs write them: gzipped, with a byte order mark, in UTF-16.

A file is checked from its beginning to its end before the first line is read, so that an
incomplete or misread one is refused whole.
"""

import codecs
import csv
import gzip
import re
import zlib
from collections.abc import Iterator
from io import TextIOWrapper
from itertools import chain
from typing import IO, Literal, NamedTuple, cast

BLOCK_BYTES = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"
# UTF-32 first: its mark begins with that of UTF-16.
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    codecs.BOM_UTF8: "utf-8-sig",
}
SAVE_AS = "save it as CSV UTF-8"
OTHER_FORMATS = {
    b"PK\x03\x04": f"an Excel workbook or another zip archive: {SAVE_AS}",
    b"\xd0\xcf\x11\xe0": f"an old Excel workbook: {SAVE_AS}",
    b"%PDF": f"a PDF: {SAVE_AS}",
    b"BZh": "compressed with bzip2: only gzip is read",
    b"\xfd7zXZ": "compressed with xz: only gzip is read",
    b"\x28\xb5\x2f\xfd": "compressed with zstd: only gzip is read",
    GZIP_MAGIC: "compressed with gzip twice",
}
NOT_UTF_8 = (
    "is not UTF-8: it may be Windows-1252, Excel's plain CSV; save it as CSV UTF-8, or run "
    "iconv -f WINDOWS-1252 -t UTF-8"
)
SEPARATORS = (",", ";", "\t")
# Excel's hint in the first line.
SEPARATOR_LINE = re.compile(r'"?sep=([,;|\t])"?\s*')
QUOTED = re.compile(r'"[^"]*("|$)')


class UnreadableFile(Exception):
    """The file as a whole cannot be read; the text states why and what is accepted."""


class Header(NamedTuple):
    """The headings of a CSV, its separator, and the number of lines up to their end."""

    names: list[str]
    separator: str
    line_number: int


def open_text(
    file: IO[bytes], errors: Literal["strict", "surrogateescape"]
) -> tuple[TextIOWrapper, int]:
    """Return the text of a seekable file and its number of lines.

    `errors`: of a file in UTF-8 with some other bytes; surrogateescape reads these as surrogates.
    A file is in UTF-8 if it has the mark, or more characters of several bytes than other bytes.
    Raises OSError, UnreadableFile.
    """
    is_gzipped = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC

    def rewind() -> IO[bytes]:
        file.seek(0)
        return cast(IO[bytes], gzip.GzipFile(fileobj=file)) if is_gzipped else file

    try:
        encoding, lines = _check(rewind(), errors)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UnreadableFile(f"the gzip file is damaged or incomplete: {error}") from error
    return TextIOWrapper(rewind(), encoding=encoding, errors=errors, newline=""), lines


def _check(stream: IO[bytes], errors: str) -> tuple[str, int]:
    """Read all bytes of a file; return its encoding and number of lines."""
    block = stream.read(BLOCK_BYTES)
    encoding = _encoding(block)
    decoder = codecs.getincrementaldecoder(encoding)()
    lines, wrong_line, surplus = 0, 0, 0
    while True:
        try:
            decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            wrong_line = wrong_line or lines + block.count(b"\n", 0, error.start) + 1
            decoder.reset()
        if not block:
            break
        surplus += _multibyte_surplus(block)
        lines += block.count(b"\n")
        block = stream.read(BLOCK_BYTES)
    if wrong_line and encoding.startswith(("utf-16", "utf-32")):
        raise UnreadableFile(f"the file is {encoding.upper()} and damaged or incomplete")
    if wrong_line and (errors == "strict" or (encoding == "utf-8" and surplus <= 0)):
        raise UnreadableFile(f"line {wrong_line} {NOT_UTF_8}")
    return encoding, lines


def _multibyte_surplus(block: bytes) -> int:
    """Return the number of characters of several bytes in UTF-8 minus that of other bytes.

    Two letters of another encoding can look like such a character, but most do not.
    """
    if block.isascii():
        return 0
    text = block.decode("utf-8", "ignore")
    other_bytes = len(block) - len(text.encode())
    return len(text) - len(text.encode("ascii", "ignore")) - other_bytes


def _encoding(begin: bytes) -> str:
    """Return the encoding that a file's first bytes declare, UTF-8 without a declaration."""
    if not begin:
        raise UnreadableFile("the file is empty")
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if begin.startswith(mark):
            return encoding
    for magic, what in OTHER_FORMATS.items():
        if begin.startswith(magic):
            raise UnreadableFile(f"the file is {what}")
    if len(begin) > 1 and any(begin[:8]) and not (any(begin[0:8:2]) and any(begin[1:8:2])):
        raise UnreadableFile(f"the file is UTF-16 without a byte order mark: {SAVE_AS}")
    if b"\0" in begin.split(b"\n", 1)[0]:
        raise UnreadableFile(f"the file is no text: {SAVE_AS}")
    return "utf-8"


def read_header(lines: Iterator[str]) -> Header:
    """Read the headings of a CSV, after blank lines and Excel's `sep=`. Raises UnreadableFile."""
    number, first = 1, next(lines, "")
    while first and not first.strip():
        number, first = number + 1, next(lines, "")
    if declared := SEPARATOR_LINE.fullmatch(first):
        number, first = number + 1, next(lines, "")
    if not first:
        raise UnreadableFile("the file is empty")
    unquoted = QUOTED.sub("", first)
    separator = declared[1] if declared else max(SEPARATORS, key=unquoted.count)
    reader = csv.reader(chain([first], lines), delimiter=separator, strict=True)
    try:
        names = [name.strip() for name in next(reader)]
    except csv.Error as error:
        raise UnreadableFile(f"the first line, of the headings, cannot be read: {error}") from error
    return Header(names, separator, number + reader.line_num - 1)
