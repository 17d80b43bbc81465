"""Reads SQL statements by PostgreSQL's own grammar, and what their parts are to Citus."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pglast import ast, parse_sql

import app.domain.schema.tables  # noqa: F401 - fills the metadata
from app.domain.schema.distribution import SHARDED_TABLE
from app.infra.orm import db

# The only view of the schema public, with its columns.
VIEWS = {"city_hosts": {"city_id", "town_id", "host_id"}}
COLUMNS = {table.name: set(table.columns.keys()) for table in db.metadata.tables.values()} | VIEWS
# What a table or function of a FROM is to Citus. LOCAL: a temporary table.
DISTRIBUTED, REFERENCE, LOCAL = "distributed", "reference", "local"
FUNCTION, OTHER = "function", "other"
PARAMETER = re.compile(r"%\(\w+\)s")
WRITES = (ast.UpdateStmt, ast.DeleteStmt)


def parse(statement: str) -> list[Any]:
    """Return the trees of a text of statements, written with psycopg2's parameters."""
    sql = PARAMETER.sub("$1", statement)
    if sql != statement:
        sql = sql.replace("%%", "%")
    trees = [raw.stmt for raw in parse_sql(sql)]
    return [tree.query if isinstance(tree, ast.CreateTableAsStmt) else tree for tree in trees]


# Nodes by their identity, with the nodes directly under them: each is read once.
_children: dict[int, tuple[Any, list[Any]]] = {}


def children(node: Any) -> list[Any]:
    """Return the nodes directly under a node."""
    known = _children.get(id(node))
    if known is None:
        found: list[Any] = []
        for name in node:
            value = getattr(node, name)
            for each in value if isinstance(value, tuple) else (value,):
                found += each if isinstance(each, tuple) else (each,)
        known = node, [each for each in found if isinstance(each, ast.Node)]
        _children[id(node)] = known
    return known[1]


def walk(node: Any, *kinds: type, into_queries: bool = True) -> Iterator[Any]:
    """Yield a node, or nodes, and all nodes under it, that are of some kinds."""
    waiting = list(reversed(node)) if isinstance(node, tuple) else [node] if node else []
    while waiting:
        each = waiting.pop()
        if isinstance(each, tuple):
            waiting += reversed(each)
            continue
        if isinstance(each, kinds):
            yield each
        if each is not None:
            waiting += (
                child
                for child in reversed(children(each))
                if into_queries or not isinstance(child, ast.SelectStmt)
            )


@dataclass(frozen=True)
class Statement:
    """A statement with the names of its steps (WITH): they are no tables."""

    tree: Any

    @cached_property
    def steps(self) -> set[str]:
        return {step.ctename for step in walk(self.tree, ast.CommonTableExpr)}

    def kind(self, source: Any) -> str:
        """Return what a table, function or step of a FROM is to Citus."""
        if not isinstance(source, ast.RangeVar):
            return FUNCTION
        if source.relname in self.steps:
            return OTHER
        if source.relname == SHARDED_TABLE:
            return DISTRIBUTED
        is_ours = source.relname in COLUMNS or source.schemaname == "analytics"
        is_catalog = source.schemaname in ("pg_catalog", "information_schema")
        if is_catalog or source.relname.startswith("pg_"):
            return OTHER
        return REFERENCE if is_ours else LOCAL

    def kinds(self, node: Any, *, into_queries: bool = True) -> set[str]:
        """Return what is read under a node."""
        sources = walk(node, ast.RangeVar, ast.RangeFunction, into_queries=into_queries)
        return {self.kind(source) for source in sources}

    def queries(self) -> Iterator[Any]:
        """Yield each query, UPDATE and DELETE of the statement."""
        yield from walk(self.tree, ast.SelectStmt, *WRITES)

    def is_correlated(self, query: Any, outer: Any) -> bool:
        """Return whether a query reads a column of the query around it."""
        own, columns = names_of(query)
        outer_names, outer_columns = names_of(outer)
        for reference in walk(query, ast.ColumnRef):
            parts = [part.sval for part in reference.fields if isinstance(part, ast.String)]
            if len(parts) > 1 and parts[-2] in outer_names - own:
                return True
            is_outer = len(parts) == 1 and parts[0] in outer_columns - columns
            if is_outer and SHARDED_TABLE in own | outer_names:
                return True
        return False


def sources_of(query: Any) -> tuple[Any, ...]:
    """Return what a query reads or writes, without its subqueries in conditions."""
    if isinstance(query, ast.UpdateStmt):
        return (query.relation, *(query.fromClause or ()))
    if isinstance(query, ast.DeleteStmt):
        return (query.relation, *(query.usingClause or ()))
    return query.fromClause or ()


def names_of(query: Any) -> tuple[set[str], set[str]]:
    """Return the names of a query's sources, and their columns."""
    names, columns = set(), set()
    for source in walk(sources_of(query), ast.RangeVar, ast.RangeSubselect, ast.RangeFunction):
        if isinstance(source, ast.RangeVar):
            columns |= COLUMNS.get(source.relname, set())
        elif isinstance(source, ast.RangeSubselect):
            columns |= {target.name for target in source.subquery.targetList or () if target.name}
        if source.alias:
            names.add(source.alias.aliasname)
            columns |= {name.sval for name in source.alias.colnames or ()}
        elif isinstance(source, ast.RangeVar):
            names.add(source.relname)
    return names, columns


def subqueries(query: Any) -> Iterator[Any]:
    """Yield the queries in conditions, columns and LATERAL of a query."""
    for part in children(query):
        if not isinstance(part, ast.WithClause):
            for link in walk(part, ast.SubLink, into_queries=False):
                yield link.subselect
    for source in walk(sources_of(query), ast.RangeSubselect, into_queries=False):
        if source.lateral:
            yield source.subquery


def functions(node: Any, *, into_queries: bool = True) -> Iterator[tuple[str, Any]]:
    """Yield the names of the functions that are called under a node, and their calls."""
    for call in walk(node, ast.FuncCall, ast.SQLValueFunction, into_queries=into_queries):
        yield ("now" if isinstance(call, ast.SQLValueFunction) else call.funcname[-1].sval), call


def is_called(names: set[str], *nodes: Any) -> bool:
    return any(name in names for node in nodes for name, _ in functions(node))
