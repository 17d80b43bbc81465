"""Files as other systems write them: each is placed, or refused whole in one line."""

import csv
import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.databases import DELETE_ALL, Server, sql_on
from tests.support.manage import run_manage

OID = "6172f1a95cd4e7a2b4c3d001"
PLAIN = "_id,city,surf\nu1,Málaga,1\nu2,Vigo,1\n"
WIDE_CELL = "x" * 10_000_000
MANY_LINES = "x\nvictim,Madrid,x,surf\n" * 10


@dataclass(frozen=True)
class Ugly:
    """A file, and its answer: users placed and rows rejected, or the refusal of the file.

    `says`: a part of the refusal, or of the reason of a rejected row.
    """

    content: bytes | str
    placed: int = 0
    rejected: int = 0
    says: str = ""
    users: tuple[str, ...] = ()

    @property
    def bytes(self) -> bytes:
        return self.content if isinstance(self.content, bytes) else self.content.encode()


def lines(*documents: object) -> str:
    """Return documents as JSON lines."""
    return "".join(json.dumps(document) + "\n" for document in documents)


READ = {
    # Encodings.
    "UTF-8": Ugly(PLAIN, 2),
    "UTF-8 with a byte order mark": Ugly(PLAIN.encode("utf-8-sig"), 2),
    "UTF-16 of Excel's Unicode text": Ugly(PLAIN.replace(",", "\t").encode("utf-16"), 2),
    "UTF-16, big end first": Ugly(b"\xfe\xff" + PLAIN.encode("utf-16-be"), 2),
    "UTF-32 with a byte order mark": Ugly(PLAIN.encode("utf-32"), 2),
    "UTF-16, gzipped": Ugly(gzip.compress(PLAIN.encode("utf-16")), 2),
    "a row of other bytes in UTF-8": Ugly(
        PLAIN.encode() + "u3,León,1\n".encode() + b"u4,M\xe1laga,1\n", 3, 1, "UTF-8"
    ),
    "a row of other bytes after a byte order mark": Ugly(
        b"\xef\xbb\xbf_id,city,surf\nu1,Vigo,1\nu2,M\xe1laga,1\n", 1, 1, "UTF-8"
    ),
    "decomposed accents": Ugly("_id,city,Pa\u0301del\nu1,Ma\u0301laga,1\n", 1),
    # Separators and line ends.
    "semicolons": Ugly(PLAIN.replace(",", ";"), 2),
    "tabs": Ugly(PLAIN.replace(",", "\t"), 2),
    "sep=; in the first line": Ugly("sep=;\n" + PLAIN.replace(",", ";"), 2),
    "sep=; after a byte order mark": Ugly(
        b"\xef\xbb\xbfsep=;\r\n_id;city;surf\r\nu1;Vigo;1\r\n", 1
    ),
    "sep=| in quotation marks": Ugly('"sep=|"\n' + PLAIN.replace(",", "|"), 2),
    "commas in headings between semicolons": Ugly('_id;city;"a,b,c,d";surf\nu1;Vigo;;1\n', 1),
    "line ends of Windows": Ugly(PLAIN.replace("\n", "\r\n"), 2),
    "line ends of old Macs": Ugly(PLAIN.replace("\n", "\r"), 2),
    "no line end in the last line": Ugly(PLAIN.rstrip(), 2),
    # Quotation marks.
    "quoted line breaks": Ugly('_id,city,about,interests\nu1,Vigo,"a\nb\n",surf\n', 1),
    "a heading of two lines": Ugly('_id,city,"about\nyou",interests\nu1,Vigo,x,surf\n', 1),
    "a stray quotation mark": Ugly('_id,city,surf\nu1,"Vigo,1\nu2,Vigo,1\n', 1, 1, "not closed"),
    "a quoted user of ten lines": Ugly(
        f'_id,city,about,interests\nu1,Vigo,"{MANY_LINES}",surf\n', 1, users=("u1",)
    ),
    # Rows and cells.
    "rows of empty cells at the end": Ugly(PLAIN + ",,\n,,\n,,\n", 2),
    "rows of spaces at the end": Ugly(PLAIN + " , ,\n  ,,  \n", 2),
    "rows of empty cells of another number": Ugly(PLAIN + ",,,,,\n,\n", 2),
    "columns without a name": Ugly("_id,city,surf,,\nu1,Vigo,1,,\n", 1),
    "a blank line before the headings": Ugly("\n\r\n" + PLAIN, 2),
    "a cell of 10 MB": Ugly(f"_id,city,surf\nu1,{WIDE_CELL},1\nu2,Vigo,1\n", 1, 1, "131072"),
    "a row that is too short": Ugly(PLAIN + "u3,Vigo\n", 2, 1, "has 2 columns, not 3"),
    "NUL in a row": Ugly(PLAIN + "u3,Vi\0go,1\n", 2, 1, "control characters"),
    "headings in capitals": Ugly("_ID,City,Country,Surf\nu1,Vigo,ES,x\n", 1),
    "an id with a hyphen, as a spreadsheet got it": Ugly(
        "_id,city,surf\n'-NxYz,Vigo,1\n", 1, users=("-NxYz",)
    ),
    "truth in Spanish": Ugly("_id;city;surf;coffee\nu1;Vigo;VERDADERO;FALSO\n", 1),
    "ticks as decimal numbers": Ugly("_id,city,surf,coffee\nu1,Vigo,1.0,0.0\n", 1),
    "no rows": Ugly("_id,city,surf\n", 0),
    # mongoexport.
    "JSON lines": Ugly(
        lines(
            {"_id": {"$oid": OID}, "city": "Vigo", "interests": {"surf": True, "coffee": False}},
            {"_id": "u2", "city": "Vigo", "country": "ES", "interests": ["coffee"], "age": 30},
            {"_id": "u3", "city_id": {"$numberLong": "2510911"}, "interests": "surf;coffee"},
            {"_id": "u4", "city": "Vigo", "surf": 1, "coffee": {"$numberInt": "0"}, "__v": 0},
            {"_id": 5, "city": "Vigo", "country": None, "interests": {"surf": 1}},
        ),
        5,
        users=(OID, "u2", "u3", "u4", "5"),
    ),
    "a JSON array of mongoexport": Ugly(
        '[{"_id":"u1","city":"Vigo","surf":true},\n{"_id":"u2","city":"Vigo","surf":true}]\n', 2
    ),
    "an indented JSON array": Ugly(
        json.dumps([{"_id": "u1", "city": "Vigo", "surf": 1}, {"_id": "u2"}], indent=2),
        1,
        1,
        "city",
    ),
    "JSON lines with faults": Ugly(
        '{"_id":"u1","city":"Vigo","interests":{"surf":true}}\n'
        '{"_id":"u2","city":"Vigo","interests":{"surf":"maybe"}}\n'
        '{"_id":"u3","city":"Vigo","interests":7}\n{"_id":{"a":1},"city":"Vigo","surf":1}\n'
        '{"_id":"u5","city":["Vigo"],"surf":1}\n[1]\n{"_id":"u7","city":"Vi\n\n',
        1,
        6,
        "JSON",
    ),
    "JSON lines with deep nesting": Ugly(
        lines(*({"_id": f"u{n}", "city": "Vigo", "surf": 1} for n in range(1, 2_501)))
        + "".join(
            f'{{"_id":"deep","city":"Vigo",{field}:{"[" * depth}{"]" * depth}{end}\n'
            for field, end in (('"interests"', "}"), ('"interests":{"surf"', "}}"), ('"surf"', "}"))
            for depth in (2, 400, 5_000)
        )
        + lines({"_id": "map", "city": "Vigo", "interests": [{"surf": True}, 1]}),
        2_500,
        10,
        "interests must be a list of keys",
    ),
    "JSON lines in UTF-16": Ugly(
        lines({"_id": "u1", "city": "Vigo", "surf": True}).encode("utf-16"), 1
    ),
    "JSON lines with a document of 10 MB": Ugly(
        lines({"_id": "u1", "city": "Vigo", "surf": True, "about": WIDE_CELL}), 0, 1, "about"
    ),
    "columns of a document's fields": Ugly(
        f"_id,city,name,interests.surf,interests.coffee\nObjectId({OID}),Vigo,Ana,true,false\n",
        1,
        users=(OID,),
    ),
    "cells of JSON": Ugly(
        f'_id,city,interests\n"{{""$oid"":""{OID}""}}",Vigo,"{{""surf"":true,""x"":0}}"\n',
        1,
        users=(OID,),
    ),
    "ids of the mongo shell": Ugly(
        f'_id,city,surf\n"ObjectId(""{OID}"")",Vigo,1\n', 1, users=(OID,)
    ),
    "labels and aliases": Ugly(
        "_id,city,Senderismo,Burgers,Vóley 🏐\nu1,Vigo,1,0,0\nu2,Vigo,0,sí,0\nu3,Vigo,0,0,x\n", 3
    ),
    "labels in cells": Ugly('_id,city,interests\nu1,Vigo,"Trekking, Comida china"\n', 1),
}
REFUSED = {
    "an empty file": Ugly("", says="is empty"),
    "only blank lines": Ugly("\n\n\n", says="is empty"),
    "one byte": Ugly("a", says="the first line must name the columns"),
    "one other byte": Ugly(b"\xe1", says="line 1 is not UTF-8"),
    "a zero byte": Ugly(b"\0", says="is no text"),
    "two bytes of UTF-16": Ugly(b"a\0", says="UTF-16 without"),
    "Windows-1252": Ugly(
        PLAIN.encode("cp1252"), says="line 2 is not UTF-8: it may be Windows-1252"
    ),
    "Windows-1252 with typographic signs after accents": Ugly(
        f"_id,city,surf\nu0,José’s,1\nu1,Vigo…,1\n{'u,Málaga,1' * 50}\n".encode("cp1252"),
        says="line 2 is not UTF-8",
    ),
    "Windows-1252 with a pair of letters that is a character in UTF-8": Ugly(
        "_id,city,surf\nu1,PERÚ»,1\nu2,Málaga,1\n".encode("cp1252"), says="line 3 is not UTF-8"
    ),
    "Mac Roman": Ugly(PLAIN.encode("mac-roman"), says="line 2 is not UTF-8"),
    "Windows-1252 in the 30,000th row": Ugly(
        b"_id,city,surf\n"
        + b"".join(b"u%d,Vigo,1\n" % n for n in range(30_000))
        + b"x,Le\xf3n,1\n",
        says="line 30002 is not UTF-8",
    ),
    "UTF-16 without a byte order mark": Ugly(PLAIN.encode("utf-16-le"), says="UTF-16 without"),
    "UTF-16 that ends within a character": Ugly(PLAIN.encode("utf-16")[:-1], says="UTF-16"),
    "an Excel workbook": Ugly(b"PK\x03\x04" + bytes(100), says="Excel workbook"),
    "an old Excel workbook": Ugly(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), says="Excel"),
    "bzip2": Ugly(b"BZh91AY&SY", says="bzip2"),
    "zstd": Ugly(b"\x28\xb5\x2f\xfd" + bytes(20), says="zstd"),
    "a truncated gzip": Ugly(gzip.compress(PLAIN.encode())[:-9], says="gzip"),
    "a truncated gzip of 50,000 rows": Ugly(
        gzip.compress(b"_id,city,surf\n" + b"".join(b"u%d,Vigo,1\n" % n for n in range(50_000)))[
            :-9
        ],
        says="gzip",
    ),
    "a gzip that is no gzip": Ugly(b"\x1f\x8b" + PLAIN.encode(), says="gzip"),
    "a gzip within a gzip": Ugly(gzip.compress(gzip.compress(PLAIN.encode())), says="gzip"),
    "random bytes": Ugly(bytes(range(256)) * 40, says="is no text"),
    "a page of HTML": Ugly("<!DOCTYPE html>\n<html>\n", says="<!DOCTYPE html>"),
    "no column of ids": Ugly("name,city,surf\n", says="_id"),
    "no column of cities": Ugly("_id,surf\n", says="city"),
    "no column of interests": Ugly("_id,city\n", says="interest"),
    "a column twice": Ugly(
        "_id,city,surf,surf\nu1,Vigo,1,0\n", says="the column surf is there twice"
    ),
    "a column twice, in capitals": Ugly("_id,city,City,surf\nu1,Vigo,Jaén,1\n", says="twice"),
    "two spellings of one interest": Ugly(
        "_id,city,trecking,Senderismo\nu1,Vigo,1,0\n", says="trecking and Senderismo are both"
    ),
    "an interest with the prefix of mongoexport and without": Ugly(
        "_id,city,interests.surf,Surf\nu1,Vigo,1,0\n", says="are both the interest surf"
    ),
    "interests and columns of interests": Ugly(
        "_id,city,interests,interests.surf\nu1,Vigo,surf,0\n", says="interests.surf"
    ),
    "a heading of 10 MB": Ugly(f"_id,city,{WIDE_CELL}\nu1,Vigo,1\n", says="first line"),
    "a quotation mark that stays open in the headings": Ugly(
        '_id,"city,surf\nu1,Vigo,1\n', says="first line"
    ),
    "a heading that can be no key": Ugly(
        "_id,city,a\x01b\nu1,Vigo,1\n", says="cannot be an interest"
    ),
    "a JSON array that ends too early": Ugly('[{"_id":"u1","city":"Vigo","surf":1},', says="JSON"),
    "one JSON document over several lines": Ugly(
        json.dumps({"_id": "u1"}, indent=2), says="--pretty"
    ),
}


def test_columns_with_and_without_the_prefix_of_mongoexport_are_interests(
    url: str, tmp_path: Path
) -> None:
    path = tmp_path / "users.csv"
    path.write_text(
        "_id,city,name,interests.surf,padel,movies,treking\nu1,Vigo,Ana,true,true,false,true\n"
    )
    done = run_manage("users", "import", str(path), "--yes", DATABASE_URL=url)
    assert "treking (1 users): did you mean trecking?" in done.stdout + done.stderr
    (stored,) = sql_on(url)("SELECT interests FROM memberships")
    assert stored == (["paddle", "surf", "treking"],)


def test_each_example_of_the_help_runs(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "users.json").write_bytes(READ["JSON lines"].bytes)
    (tmp_path / "users.txt").write_bytes(READ["UTF-16 of Excel's Unicode text"].bytes)
    shown = run_manage("users", "import", "--help").stdout
    commands = re.findall(r"^ *python manage.py (.*)$", shown, re.MULTILINE)
    assert ("mongoexport" in shown, len(commands)) == (True, 2)
    for command in commands:
        done = run_manage(*command.split(), DATABASE_URL=url)
        assert " + 0 rejected" in done.stdout, done.stderr


def test_the_table_has_at_least_40_files() -> None:
    assert len(READ) + len(REFUSED) >= 40


@pytest.fixture(scope="module")
def database(server: Server) -> Iterator[str]:
    with server.database() as url:
        yield url


@pytest.fixture
def url(database: str) -> str:
    sql_on(database)(DELETE_ALL)
    return database


@pytest.mark.parametrize("name", READ)
def test_a_file_that_can_be_read_is_placed_and_no_row_is_lost(
    url: str, tmp_path: Path, name: str
) -> None:
    ugly, path = READ[name], tmp_path / "users.csv"
    path.write_bytes(ugly.bytes)
    done = run_manage("users", "import", str(path), "--yes", "--json", DATABASE_URL=url)
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    assert (counts["placed"], counts["rejected"]) == (ugly.placed, ugly.rejected)
    stored = {user for (user,) in sql_on(url)("SELECT user_id FROM memberships")}
    assert len(stored) == ugly.placed
    assert stored >= set(ugly.users)
    if ugly.rejected:
        rejects = list(csv.DictReader(path.with_suffix(".rejects.csv").open()))
        assert ugly.says in " ".join(f"{row['field']} {row['reason']}" for row in rejects)
        assert all(len(row["reason"]) < 300 for row in rejects)


@pytest.mark.parametrize("options", [("--yes",), ("--dry-run",)])
@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_be_read_is_one_line_and_places_nobody(
    url: str, tmp_path: Path, name: str, options: tuple[str, ...]
) -> None:
    ugly, path = REFUSED[name], tmp_path / "users.csv"
    path.write_bytes(ugly.bytes)
    done = run_manage("users", "import", str(path), *options, DATABASE_URL=url)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.isprintable()
    assert ugly.says in line
    assert len(line) < 400
    assert sql_on(url)("SELECT count(*) FROM memberships") == [(0,)]
