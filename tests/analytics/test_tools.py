"""What analysts' tools make of the views: dbt, pandas, polars and SQLAlchemy, as docs/analysts.md
says. dbt's pins exclude ours, so it and polars are installed into an environment of their own."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy.engine import URL, make_url

from app.config import psycopg2_url
from tests.support.analysts import Analyst, granted_role
from tests.support.analysts_page import PAGE
from tests.support.databases import Server, direct_url

HERE = Path(__file__).parent / "tools"
PROGRAMS = HERE / ".venv" / "bin"
DBT_FILES = ("profiles.yml", "dbt_project.yml", "models/sources.yml", "models/large_clusters.sql")
Comments = dict[str, tuple[str | None, dict[str, str | None]]]


@pytest.fixture(scope="module")
def tools() -> None:
    """Install dbt and polars, unless these versions are there."""
    lock, installed = HERE / "requirements.txt", HERE / ".venv" / "installed.txt"
    if installed.exists() and installed.read_bytes() == lock.read_bytes():
        return
    uv = [str(Path(sys.executable).parent / "uv"), "--quiet", "--system-certs"]
    environment = ["venv", "--clear", "--python", sys.executable, str(HERE / ".venv")]
    subprocess.run([*uv, *environment], check=True)
    sync = ["pip", "sync", "--require-hashes", "--python", str(PROGRAMS / "python"), str(lock)]
    done = subprocess.run([*uv, *sync], capture_output=True, text=True, check=False)
    if done.returncode and re.search(r"[Ff]ailed to fetch|[Rr]equest failed", done.stderr):
        pytest.skip(f"the registry cannot be reached: {done.stderr.splitlines()[0]}")
    assert done.returncode == 0, done.stderr
    shutil.copy(lock, installed)


@pytest.fixture(scope="module")
def analyst(server: Server) -> Iterator[Analyst]:
    """An analyst with the schema `models`, of a database of the test's own."""
    with server.database() as url, granted_role(server, direct_url(url), "models") as (role, _):
        yield Analyst(role)


@pytest.fixture(scope="module")
def comments(analyst: Analyst) -> Comments:
    """The comment of each view and of its columns, by name."""
    found: Comments = {}
    for view, comment, column, of_column in analyst.query(
        "SELECT relname, obj_description(pg_class.oid, 'pg_class'), attname,"
        "       col_description(pg_class.oid, attnum)"
        " FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid"
        " WHERE relnamespace = 'analytics'::regnamespace AND relkind = 'v' AND attnum > 0"
    ):
        found.setdefault(view, (comment, {}))[1][column] = of_column
    assert found
    assert all(comment and all(columns.values()) for comment, columns in found.values())
    return found


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def environment_of(url: URL) -> dict[str, str]:
    """Return libpq's variables for an address."""
    query = {name: str(value) for name, value in url.query.items()}
    place = {"host": url.host or query.get("host", ""), "port": str(url.port or query.get("port"))}
    return {
        "PGHOST": place["host"],
        "PGPORT": place["port"],
        "PGUSER": url.username or "",
        "PGPASSWORD": url.password or "",
        "PGDATABASE": url.database or "",
    }


@pytest.fixture(scope="module")
def project(tools: None, analyst: Analyst, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Run dbt in the project of the page; return its folder."""
    folder = tmp_path_factory.mktemp("dbt")
    (folder / "models").mkdir()
    files = [*blocks("yaml"), *blocks("jinja")]
    for name, text in zip(DBT_FILES, files, strict=True):
        (folder / name).write_text(text)

    def dbt(*arguments: str) -> Path:
        done = subprocess.run(
            [PROGRAMS / "dbt", "--no-use-colors", *arguments],
            cwd=folder,
            env=environment_of(make_url(analyst.url))
            | {"PATH": os.environ["PATH"], "HOME": str(folder)}
            | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return folder

    return dbt


def test_dbt_creates_a_table_in_the_analysts_schema(project: Any, analyst: Analyst) -> None:
    for _ in range(2):  # a run also replaces the table of the run before
        project("run")
    relation = "SELECT relnamespace::regnamespace::text, relkind FROM pg_class WHERE relname = %s"
    assert analyst.query(relation.replace("%s", "'large_clusters'")) == [("models", "r")]


def test_dbts_catalog_has_every_comment(project: Any, comments: Comments) -> None:
    folder = project("run")
    # JSON is YAML too.
    tables = [{"name": view} for view in comments]
    sources = {"sources": [{"name": "analytics", "tables": tables}]}
    (folder / "models" / "sources.yml").write_text(json.dumps(sources))
    project("docs", "generate")
    catalog = json.loads((folder / "target" / "catalog.json").read_text())
    seen = {
        source["metadata"]["name"]: (
            source["metadata"]["comment"],
            {name: column["comment"] for name, column in source["columns"].items()},
        )
        for source in catalog["sources"].values()
    }
    assert seen == comments


def test_reflection_in_sqlalchemy_has_every_comment(analyst: Analyst, comments: Comments) -> None:
    engine = sqlalchemy.create_engine(psycopg2_url(analyst.url))
    inspector = sqlalchemy.inspect(engine)
    seen = {
        view: (
            inspector.get_table_comment(view, "analytics")["text"],
            {
                column["name"]: column["comment"]
                for column in inspector.get_columns(view, "analytics")
            },
        )
        for view in inspector.get_view_names("analytics")
    }
    engine.dispose()
    assert seen == comments


def test_the_lines_for_pandas_and_polars_run(tools: None, analyst: Analyst) -> None:
    lines = blocks("python")
    assert [re.findall("pandas|polars", text)[0] for text in lines] == ["pandas", "polars"]
    for text, python in zip(lines, (sys.executable, PROGRAMS / "python"), strict=True):
        done = subprocess.run(
            [python, "-c", f"{text}\nprint(len(clusters))"],
            env={"PATH": os.environ["PATH"], "ADDRESS": analyst.url},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout == "4\n", done.stderr
