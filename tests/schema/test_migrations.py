"""Migrations: upgrade, downgrade, and equality with the tables in Python."""

from typing import Any

import flask_migrate
import pytest
import sqlalchemy

from app.cli.migrations import create_migrating_app
from app.config import psycopg2_url
from app.domain.schema.readiness import REVISIONS, schema_head
from tests.support.databases import Server, settings_of, sql_on
from tests.support.schema import dump


def app_on(url: str) -> Any:
    return create_migrating_app(settings_of(url))


def test_the_migrations_create_what_the_tables_declare(server: Server) -> None:
    url = server.create()
    with app_on(url).app_context():
        flask_migrate.upgrade()
        flask_migrate.check()
    server.drop(url)


@pytest.mark.parametrize("revision", sorted(path.name[:4] for path in REVISIONS.glob("0*.py")))
def test_each_migration_can_be_reverted_and_repeated(server: Server, revision: str) -> None:
    url = server.create()
    app = app_on(url)
    with app.app_context():
        flask_migrate.upgrade(revision=revision)
        upgraded = dump(url)
        flask_migrate.downgrade(revision="-1")
        assert dump(url) != upgraded
        flask_migrate.upgrade(revision=revision)
        assert dump(url) == upgraded
        flask_migrate.downgrade(revision="base")
        assert dump(url) == {}
    server.drop(url)


def test_indexes_that_an_interrupted_release_left_are_built_again(server: Server) -> None:
    url = server.create()
    with app_on(url).app_context():
        flask_migrate.upgrade(revision="0019")
        upgraded = dump(url)
        sql_on(url)("UPDATE alembic_version SET version_num = '0018'")
        flask_migrate.upgrade(revision="0019")
        assert dump(url) == upgraded
    server.drop(url)


def test_published_figures_are_reverted_to_the_views_before(server: Server) -> None:
    url = server.create()
    with app_on(url).app_context():
        flask_migrate.upgrade(revision="0019")
        before = dump(url)
        assert "analytics.moves" in before
        flask_migrate.upgrade()
        flask_migrate.downgrade(revision="0019")
        assert dump(url) == before
    server.drop(url)


def test_revisions_are_numbered_without_a_gap() -> None:
    numbers = sorted(int(path.name[:4]) for path in REVISIONS.glob("[0-9]*.py"))
    assert numbers == list(range(1, len(numbers) + 1))
    assert int(schema_head()) == numbers[-1]


def test_every_table_and_column_has_a_comment(database_url: str) -> None:
    engine = sqlalchemy.create_engine(psycopg2_url(database_url))
    inspector = sqlalchemy.inspect(engine)
    missing = []
    for table in inspector.get_table_names():
        if table == "alembic_version":
            continue
        if not inspector.get_table_comment(table)["text"]:
            missing.append(table)
        missing += [
            f"{table}.{column['name']}"
            for column in inspector.get_columns(table)
            if not column["comment"]
        ]
    engine.dispose()
    assert missing == []
