"""What Citus refuses, found in the syntax tree of a statement.

tests/schema/test_citus_rules.py has a refused and a mended statement for each rule.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from pglast import ast, enums
from pglast.stream import RawStream

from app.domain.schema.distribution import SHARD_KEY
from tests.support.syntax_trees import (
    DISTRIBUTED,
    FUNCTION,
    LOCAL,
    REFERENCE,
    WRITES,
    Statement,
    functions,
    is_called,
    parse,
    sources_of,
    subqueries,
    walk,
)

# Functions of PostgreSQL that are not IMMUTABLE, as far as statements of the service use them.
STABLE = {"now", "to_jsonb", "jsonb_build_object", "jsonb_agg", "to_char"}
VOLATILE = {"clock_timestamp", "random", "nextval", "gen_random_uuid", "pg_sleep"}
SETS = {"generate_series", "unnest", "jsonb_array_elements"}
AGGREGATES = {"count", "sum", "min", "max", "avg", "array_agg", "jsonb_object_agg", "bool_or"}


def correlated(statement: Statement) -> bool:
    """A correlated subquery reads the sharded table, and the query around it does not."""
    return any(
        DISTRIBUTED in statement.kinds(inner)
        and DISTRIBUTED not in statement.kinds(sources_of(outer))
        and statement.is_correlated(inner, outer)
        for outer in statement.queries()
        for inner in subqueries(outer)
    )


def counted_beside(statement: Statement) -> bool:
    """A subquery is a column beside an aggregate of the sharded table."""
    return any(
        DISTRIBUTED in statement.kinds(query.fromClause)
        and any(walk(query.targetList, ast.SubLink, into_queries=False))
        and any(name in AGGREGATES for name, _ in functions(query.targetList, into_queries=False))
        for query in statement.queries()
        if isinstance(query, ast.SelectStmt)
    )


def without_columns(statement: Statement) -> bool:
    """A subquery of the sharded table has no column: SELECT FROM."""
    return any(
        isinstance(query, ast.SelectStmt)
        and query is not statement.tree
        and not query.targetList
        and not query.valuesLists
        and query.op == 0
        and DISTRIBUTED in statement.kinds(query.fromClause)
        for query in statement.queries()
    )


def set_of_aggregate(statement: Statement) -> bool:
    """A column is a set of rows whose bounds are aggregates of the sharded table."""
    return any(
        isinstance(query, ast.SelectStmt)
        and DISTRIBUTED in statement.kinds(query.fromClause)
        and any(
            name in SETS and any(inner in AGGREGATES for inner, _ in functions(call))
            for name, call in functions(query.targetList, into_queries=False)
        )
        for query in statement.queries()
    )


def locked_insert(statement: Statement) -> bool:
    """INSERT … SELECT locks the rows that it reads."""
    return any(
        insert.selectStmt and insert.selectStmt.lockingClause
        for insert in walk(statement.tree, ast.InsertStmt)
    )


def locked_shards(statement: Statement) -> bool:
    """Rows of the sharded table are locked, but not those of one user."""
    return any(
        query.lockingClause
        and DISTRIBUTED in statement.kinds(query.fromClause)
        and not re.search(rf"\b{SHARD_KEY} = ", RawStream()(query.whereClause or ast.Null()))
        for query in walk(statement.tree, ast.SelectStmt)
    )


def locked_function(statement: Statement) -> bool:
    """A step of an INSERT locks rows that it joins with a function."""
    return any(
        isinstance(step.ctequery, ast.SelectStmt)
        and step.ctequery.lockingClause
        and FUNCTION in statement.kinds(step.ctequery.fromClause)
        for insert in walk(statement.tree, ast.InsertStmt)
        for step in walk(insert, ast.CommonTableExpr)
    )


def written_from_local(statement: Statement) -> bool:
    """UPDATE or DELETE of a reference table reads a temporary table, other than by IN."""

    def is_refused(write: Any) -> bool:
        first, *others = sources_of(write)
        steps = [step.ctequery for step in walk(write.withClause, ast.CommonTableExpr)]
        negated = {
            id(link)
            for condition in walk(write.whereClause, ast.BoolExpr)
            if condition.boolop == enums.BoolExprType.NOT_EXPR
            for link in walk(condition, ast.SubLink)
        }
        inner = [
            link.subselect
            for link in walk(conditions(write), ast.SubLink, into_queries=False)
            if link.subLinkType != enums.SubLinkType.ANY_SUBLINK or id(link) in negated
        ]
        return statement.kind(first) == REFERENCE and any(
            LOCAL in statement.kinds(part) for part in (*others, *steps, *inner)
        )

    return any(is_refused(write) for write in walk(statement.tree, *WRITES))


def beside_local(statement: Statement) -> bool:
    """A subquery joins the sharded table with the temporary table of the query around it."""
    return any(
        LOCAL in statement.kinds(sources_of(outer))
        and DISTRIBUTED in statement.kinds(inner)
        and statement.is_correlated(inner, outer)
        for outer in statement.queries()
        for inner in subqueries(outer)
    )


def conditions(write: Any) -> tuple[Any, ...]:
    """Return what an UPDATE or DELETE sets, and where."""
    targets = write.targetList if isinstance(write, ast.UpdateStmt) else ()
    return (*targets, write.whereClause)


def is_written(statement: Statement, write: Any) -> bool:
    return statement.kind(write.relation) in (DISTRIBUTED, REFERENCE)


def stable_of_column(statement: Statement) -> bool:
    """UPDATE or DELETE calls a STABLE function with a column."""
    return any(
        name in STABLE and any(walk(call, ast.ColumnRef))
        for write in walk(statement.tree, *WRITES)
        if is_written(statement, write)
        for name, call in functions(conditions(write))
    )


def volatile_written(statement: Statement) -> bool:
    """UPDATE or DELETE calls a VOLATILE function."""
    return any(
        is_called(VOLATILE, conditions(write))
        for write in walk(statement.tree, *WRITES)
        if is_written(statement, write)
    )


def time_in_case(statement: Statement) -> bool:
    """UPDATE has a function that is not IMMUTABLE in CASE or COALESCE."""
    return any(
        is_called(STABLE | VOLATILE, case)
        for write in walk(statement.tree, ast.UpdateStmt)
        if is_written(statement, write)
        for case in walk(write.targetList, ast.CaseExpr, ast.CoalesceExpr)
    )


def time_in_conflict(statement: Statement) -> bool:
    """ON CONFLICT DO UPDATE calls a function that is not IMMUTABLE."""
    return any(
        is_called(STABLE | VOLATILE, conflict)
        for conflict in walk(statement.tree, ast.OnConflictClause)
    )


def time_returned(statement: Statement) -> bool:
    """RETURNING calls a function that is not IMMUTABLE."""
    return any(
        is_called(STABLE | VOLATILE, returning_of(write))
        for write in walk(statement.tree, ast.InsertStmt, *WRITES)
        if is_written(statement, write)
    )


def returning_of(write: Any) -> Any:
    """Return the columns of RETURNING. PostgreSQL 18 has a clause, older grammars a list."""
    clause = getattr(write, "returningClause", None)
    return clause.exprs if clause else getattr(write, "returningList", None) or ()


def query_in_values(statement: Statement) -> bool:
    """INSERT … VALUES has a subquery."""
    return any(
        any(walk(insert.selectStmt.valuesLists, ast.SubLink))
        for insert in walk(statement.tree, ast.InsertStmt)
        if insert.selectStmt and insert.selectStmt.valuesLists
    )


RULES: tuple[Callable[[Statement], bool], ...] = (
    correlated,
    counted_beside,
    without_columns,
    set_of_aggregate,
    locked_insert,
    locked_shards,
    locked_function,
    written_from_local,
    beside_local,
    stable_of_column,
    volatile_written,
    time_in_case,
    time_in_conflict,
    time_returned,
    query_in_values,
)


@cache
def broken_rules(sql: str) -> tuple[str, ...]:
    """Return the names of the rules that a text of statements breaks.

    Raises pglast.parser.ParseError.
    """
    statements = [Statement(tree) for tree in parse(sql)]
    return tuple(rule.__name__ for rule in RULES if any(map(rule, statements)))
