"""Writes what docs/analysts.md has from the database: `python -m tests.support.analysts_page`.

The map and the dictionary are the views' own comments; the answers are those of the demo
population of tests/support/databases.py, the same on every day and machine.
"""

import re
from typing import Any

import sqlalchemy
from sqlalchemy.engine import Inspector

from app.config import ROOT, psycopg2_url
from app.domain.analytics.queries import Answer, answer, questions
from app.infra.database import Database
from tests.support.databases import Server

PAGE = ROOT / "docs" / "analysts.md"
# What views are joined by, and the view in which it stands once.
KEYS = {"city_id": "cities", "cluster": "clusters", "model_id": "models"}
ROWS_SHOWN = 5
PART = r"(?<=<!-- {name} -->\n).*?(?=<!-- end of {name} -->)"


def parts(engine: sqlalchemy.Engine) -> dict[str, str]:
    """The generated parts by name."""
    inspector = sqlalchemy.inspect(engine)
    views = {
        name: inspector.get_columns(name, "analytics")
        for name in inspector.get_view_names("analytics")
    }
    return {
        "map": chart(views),
        "dictionary": dictionary(inspector, views),
        "questions": answers(Database(engine)),
    }


def chart(views: dict[str, list[Any]]) -> str:
    """The views with the columns that join them, as Mermaid draws it."""
    lines = ["```mermaid", "erDiagram"]
    for view, columns in sorted(views.items()):
        for column in columns:
            if (home := KEYS.get(column["name"])) and home != view:
                lines.append(f'    {home} ||--o{{ {view} : "{column["name"]}"')
    for view, columns in sorted(views.items()):
        lines.append(f"    {view} {{")
        lines += [f"        {str(c['type']).lower()} {c['name']}" for c in columns]
        lines.append("    }")
    return "\n".join([*lines, "```", ""]).replace("double precision", "double")


def dictionary(inspector: Inspector, views: dict[str, list[Any]]) -> str:
    """Every view and column with its comment."""
    told = []
    for view, columns in sorted(views.items()):
        comment = inspector.get_table_comment(view, "analytics")["text"]
        told += [
            f"### `analytics.{view}`",
            "",
            str(comment),
            "",
            "| column | type | |",
            "|---|---|---|",
        ]
        told += [f"| `{c['name']}` | {str(c['type']).lower()} | {c['comment']} |" for c in columns]
        told.append("")
    return "\n".join(told)


def answers(database: Database) -> str:
    """Every question with its query and what it gives."""
    told = []
    for asked in questions():
        found = answer(database, asked)
        told += [f"### {asked.title}", "", asked.about, "", f"`{asked.name}`", ""]
        told += ["```sql", asked.sql, "```", "", table(found), ""]
    return "\n".join(told)


def table(found: Answer) -> str:
    """The first rows of an answer."""
    cells = [["" if cell is None else str(cell) for cell in row] for row in found.rows]
    lines = [found.columns, *cells[:ROWS_SHOWN]]
    shown = [f"| {' | '.join(line)} |" for line in lines]
    shown.insert(1, "|" + "---|" * len(found.columns))
    more = len(cells) - ROWS_SHOWN
    return "\n".join([*shown, *(["", f"and {more} more."] if more > 0 else [])])


def part(page: str, name: str) -> str:
    """A generated part as the page has it."""
    (found,) = re.findall(PART.format(name=name), page, re.DOTALL)
    return str(found)


def main() -> None:
    """Write the page anew."""
    server = Server.of_this_run()
    try:
        engine = sqlalchemy.create_engine(psycopg2_url(server.demo()))
        page = PAGE.read_text(encoding="utf-8")
        for name, text in parts(engine).items():
            page = re.sub(
                PART.format(name=name), lambda _, text=text: text, page, count=1, flags=re.DOTALL
            )
        engine.dispose()
        PAGE.write_text(page, encoding="utf-8")
    finally:
        server.drop_all()


if __name__ == "__main__":
    main()
