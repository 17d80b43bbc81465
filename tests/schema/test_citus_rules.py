"""No statement of the service is one that Citus refuses.

CI has no Citus, so the statements are read for what a real one was seen to refuse. With
TEST_CITUS_URL each rule is tried on a real one.
"""

import ast
import importlib
import os
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psycopg2
import pytest

import app
from app.domain.analytics.period_figures import OF_PERIODS
from app.domain.analytics.present_figures import PRESENT
from app.domain.analytics.publication import stage
from app.domain.imports.importer import CREATE_TABLES
from app.domain.members.joins import join_statement
from app.domain.rooms import queries
from app.infra.database import PreparedStatement

pytest.importorskip("pglast", reason="it is installed on Linux only")

from tests.support import citus_rules  # noqa: E402
from tests.support.citus_rules import broken_rules  # noqa: E402

SQL = re.compile(r"\s*(WITH \w+ |SELECT|INSERT INTO|UPDATE \w+ |DELETE FROM|CREATE TEMPORARY)\b")
# Parts of statements: BUILT has what is made of them.
PARTS = {
    "app.domain.cities.autocomplete.SUGGEST_TEMPLATE",
    "app.domain.members.joins.INSERT",
    "app.domain.rooms.queries.PAGE",
    "app.domain.rooms.queries.TABLE",
}
CONDITIONS = " AND ".join(queries.CONDITIONS.values())
BUILT = {
    "joins.join_statement": join_statement(2).sql,
    "queries.page": queries.PAGE.format(
        conditions=" AND ".join(queries.CONDITIONS[name] for name in ("city_id", "country"))
    ),
    "queries.table": queries.TABLE.format(conditions=CONDITIONS, order="id"),
    **{f"publication.stage({each.view})": stage(each) for each in (*PRESENT, *OF_PERIODS)},
}


class Example(NamedTuple):
    """Two statements: Citus refuses the first with `error`, and takes the other."""

    rule: str
    error: str
    refused: str
    mended: str


USED = "SELECT 1 FROM memberships AS member WHERE member.room_id = rooms.id"
PAIR = "JOIN unnest(ARRAY[1]) AS pair (id) ON pair.id = cities.id"
EXAMPLES = [
    Example(
        "correlated",
        "correlated subqueries are not supported",
        f"SELECT id FROM rooms WHERE NOT EXISTS ({USED})",
        "SELECT id FROM rooms WHERE id NOT IN (SELECT room_id FROM memberships)",
    ),
    Example(
        "correlated",
        "only reference tables may be queried when targeting a reference table",
        f"DELETE FROM rooms WHERE NOT EXISTS ({USED})",
        "DELETE FROM rooms WHERE id NOT IN (SELECT room_id FROM memberships)",
    ),
    Example(
        "counted_beside",
        "cannot push down subquery on the target list",
        "SELECT (SELECT count(*) FROM rooms) AS rooms, count(*) AS people FROM memberships",
        "SELECT (SELECT count(*) FROM rooms), (SELECT count(*) FROM memberships)",
    ),
    Example(
        "without_columns",
        "a column definition list is required",
        "SELECT count(*) FROM (SELECT FROM memberships LIMIT 3) AS three",
        "SELECT count(*) FROM (SELECT 1 FROM memberships LIMIT 3) AS three",
    ),
    Example(
        "set_of_aggregate",
        "set-valued function called in context that cannot accept a set",
        "SELECT * FROM (SELECT generate_series(1, max(room_id)) FROM memberships) AS numbers",
        "SELECT number FROM (SELECT max(room_id) AS last FROM memberships) AS rooms,"
        " generate_series(1, last) AS number",
    ),
    Example(
        "locked_insert",
        "could not run distributed query with FOR UPDATE/SHARE",
        "INSERT INTO rooms (city_id, cluster_id) SELECT id, 1 FROM cities WHERE id = 1 FOR SHARE",
        "WITH city AS (SELECT id FROM cities WHERE id = 1 FOR SHARE)"
        " INSERT INTO rooms (city_id, cluster_id) SELECT id, 1 FROM city",
    ),
    Example(
        "locked_shards",
        "could not run distributed query with FOR UPDATE/SHARE",
        "SELECT user_id FROM memberships WHERE room_id = 1 FOR UPDATE",
        "SELECT user_id FROM memberships WHERE user_id = 'a' FOR UPDATE",
    ),
    Example(
        "locked_function",
        "PGCOPY",
        f"WITH city AS (SELECT cities.id FROM cities {PAIR} FOR SHARE OF cities)"
        " INSERT INTO rooms (city_id, cluster_id) SELECT id, 1 FROM city",
        "WITH city AS (SELECT id FROM cities WHERE id = ANY(ARRAY[1]) FOR SHARE)"
        " INSERT INTO rooms (city_id, cluster_id) SELECT id, 1 FROM city",
    ),
    Example(
        "written_from_local",
        "is not distributed",
        "UPDATE cities SET population = 1 FROM incoming WHERE incoming.city_id = cities.id",
        "UPDATE cities SET population = 1 FROM unnest(ARRAY[1]) AS city (id)"
        " WHERE city.id = cities.id",
    ),
    Example(
        "written_from_local",
        "is not distributed",
        "DELETE FROM interests"
        " WHERE NOT EXISTS (SELECT FROM incoming WHERE incoming.user_id = interests.key)",
        "DELETE FROM interests WHERE key IN (SELECT user_id FROM incoming)",
    ),
    Example(
        "written_from_local",
        "is not distributed",
        "DELETE FROM interests WHERE key NOT IN (SELECT user_id FROM incoming)",
        "DELETE FROM interests WHERE key <> ALL (ARRAY['a', 'b'])",
    ),
    Example(
        "beside_local",
        "direct joins between distributed and local tables are not supported",
        "SELECT user_id FROM incoming WHERE NOT EXISTS"
        " (SELECT 1 FROM memberships AS member WHERE member.user_id = incoming.user_id)",
        "SELECT user_id FROM incoming WHERE user_id NOT IN (SELECT user_id FROM memberships)",
    ),
    Example(
        "stable_of_column",
        "STABLE functions used in UPDATE queries cannot be called with column references",
        "UPDATE memberships SET room_id = 1 WHERE to_jsonb(interests) = '[]'",
        "UPDATE memberships SET room_id = 1 WHERE interests = '{}'::text[] AND joined_at < now()",
    ),
    Example(
        "volatile_written",
        "must not be VOLATILE",
        "DELETE FROM memberships WHERE joined_at < clock_timestamp()",
        "DELETE FROM memberships WHERE joined_at < now()",
    ),
    Example(
        "time_in_case",
        "non-IMMUTABLE functions are not allowed in CASE or COALESCE",
        "UPDATE cities SET merged_at = coalesce(merged_at, now()) WHERE id = 1",
        "UPDATE cities SET merged_at = now() WHERE id = 1 AND merged_at IS NULL",
    ),
    Example(
        "time_in_conflict",
        "must be marked IMMUTABLE",
        "INSERT INTO interests AS old VALUES ('a', 'b', 'c', 'd')"
        " ON CONFLICT (key) DO UPDATE SET label_en = now()::text",
        "INSERT INTO interests AS old VALUES ('a', 'b', 'c', now()::text)"
        " ON CONFLICT (key) DO UPDATE SET label_en = excluded.label_en",
    ),
    Example(
        "time_returned",
        "non-IMMUTABLE functions are not allowed in the RETURNING clause",
        "UPDATE memberships SET joined_at = now() WHERE user_id = 'a' RETURNING joined_at = now()",
        "UPDATE memberships SET joined_at = now() WHERE user_id = 'a' RETURNING joined_at",
    ),
    Example(
        "query_in_values",
        "subqueries are not supported within INSERT queries",
        "INSERT INTO interests VALUES ('a', 'b', 'c', (SELECT 'd'))",
        "INSERT INTO interests SELECT 'a', 'b', 'c', 'd'",
    ),
]


def texts(value: Any) -> Iterator[str]:
    """Yield the texts in a constant."""
    if isinstance(value, PreparedStatement):
        yield value.sql
    elif isinstance(value, str):
        yield value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, dict):
        yield from texts(list(value.values()))


def constants(module: Any, tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the name of each constant that a module assigns, and each text in it."""
    for node in tree.body:
        names = [each.id for each in getattr(node, "targets", []) if isinstance(each, ast.Name)]
        for name in names:
            found = list(texts(getattr(module, name)))
            for number, text in enumerate(found):
                yield (f"{name}[{number}]" if len(found) > 1 else name), text


def texts_of_functions(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the name of each function, and each text in it that is no part of an f-string."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            nodes = list(ast.walk(function))
            pieces = {
                id(e) for each in nodes if isinstance(each, ast.JoinedStr) for e in each.values
            }
            for each in nodes:
                if isinstance(each, ast.Constant) and id(each) not in pieces:
                    yield f"{function.name}()", str(each.value)


def statements() -> dict[str, str]:
    """Return the statements of the service, by where they are; each once."""
    found: dict[str, str] = {}
    for info in pkgutil.walk_packages(app.__path__, "app."):
        module = importlib.import_module(info.name)
        tree = ast.parse(Path(str(module.__file__)).read_text())
        for name, text in (*constants(module, tree), *texts_of_functions(tree)):
            if SQL.match(text):
                found.setdefault(text, f"{info.name}.{name}")
    return {name: text for text, name in found.items()}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.rule)
def test_a_rule_names_what_citus_refuses_and_not_its_mended_form(example: Example) -> None:
    assert example.rule in broken_rules(example.refused)
    assert broken_rules(example.mended) == ()


def test_each_rule_has_an_example() -> None:
    assert {rule.__name__ for rule in citus_rules.RULES} == {each.rule for each in EXAMPLES}


def test_citus_takes_every_statement() -> None:
    found = statements()
    assert set(found) >= PARTS
    read = {name: text for name, text in found.items() if name not in PARTS} | BUILT
    broken = {name: rules for name, text in read.items() if (rules := broken_rules(text))}
    assert len(read) > 200
    assert not broken


@pytest.mark.skipif("TEST_CITUS_URL" not in os.environ, reason="needs a server with Citus")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.rule)
def test_a_real_citus_refuses_what_a_rule_names(example: Example, database_url: str) -> None:
    connection = psycopg2.connect(database_url)
    with connection.cursor() as cursor:
        for sql, is_refused in ((example.mended, False), (example.refused, True)):
            cursor.execute(CREATE_TABLES)
            if is_refused:
                with pytest.raises(psycopg2.Error, match=example.error):
                    cursor.execute(sql)
            else:
                cursor.execute(sql)
            connection.rollback()
    connection.close()
