"""Writes the generated sections of docs/analysts.md: `python -m tests.support.analysts_page`.

The map and the dictionary come from the views and their comments. The results are those of the
demo population of tests/support/databases.py, the same on every day and machine.
"""

import re
from typing import Any

import sqlalchemy
from sqlalchemy.engine import Inspector

from app.config import ROOT, psycopg2_url
from app.domain.analytics.queries import Result, questions, run
from app.infra.database import Database
from tests.support.databases import Server

PAGE = ROOT / "docs" / "analysts.md"
# The columns that join the views, and the view in which each is unique.
KEYS = {"city_id": "cities", "cluster": "clusters", "model_id": "models"}
MAX_ROWS = 5
SECTION = r"(?<=<!-- {name} -->\n).*?(?=<!-- end of {name} -->)"


def generate_sections(engine: sqlalchemy.Engine) -> dict[str, str]:
    """Return the generated sections by name."""
    inspector = sqlalchemy.inspect(engine)
    views = {
        name: inspector.get_columns(name, "analytics")
        for name in inspector.get_view_names("analytics")
    }
    return {
        "map": draw_map(views),
        "dictionary": describe_views(inspector, views),
        "questions": describe_questions(Database(engine)),
    }


def draw_map(views: dict[str, list[Any]]) -> str:
    """Return a Mermaid diagram of the views and the columns that join them."""
    lines = ["```mermaid", "erDiagram"]
    for view, columns in sorted(views.items()):
        for column in columns:
            if (owner := KEYS.get(column["name"])) and owner != view:
                lines.append(f'    {owner} ||--o{{ {view} : "{column["name"]}"')
    for view, columns in sorted(views.items()):
        lines.append(f"    {view} {{")
        lines += [f"        {str(c['type']).lower()} {c['name']}" for c in columns]
        lines.append("    }")
    return "\n".join([*lines, "```", ""]).replace("double precision", "double")


def describe_views(inspector: Inspector, views: dict[str, list[Any]]) -> str:
    """Return every view and column with its comment."""
    lines = []
    for view, columns in sorted(views.items()):
        comment = inspector.get_table_comment(view, "analytics")["text"]
        lines += [
            f"### `analytics.{view}`",
            "",
            str(comment),
            "",
            "| column | type | |",
            "|---|---|---|",
        ]
        lines += [f"| `{c['name']}` | {str(c['type']).lower()} | {c['comment']} |" for c in columns]
        lines.append("")
    return "\n".join(lines)


def describe_questions(database: Database) -> str:
    """Return every question with its query and its result."""
    lines = []
    for question in questions():
        lines += [f"### {question.title}", "", question.about, "", f"`{question.name}`", ""]
        lines += ["```sql", question.sql, "```", "", table(run(database, question)), ""]
    return "\n".join(lines)


def table(result: Result) -> str:
    """Return the first rows of a result as a Markdown table."""
    cells = [["" if cell is None else str(cell) for cell in row] for row in result.rows]
    lines = [f"| {' | '.join(row)} |" for row in (result.columns, *cells[:MAX_ROWS])]
    lines.insert(1, "|" + "---|" * len(result.columns))
    more = len(cells) - MAX_ROWS
    return "\n".join([*lines, *(["", f"and {more} more."] if more > 0 else [])])


def find_section(page: str, name: str) -> str:
    """Return a generated section of the page."""
    (section,) = re.findall(SECTION.format(name=name), page, re.DOTALL)
    return str(section)


def main() -> None:
    """Replace the generated sections of the page."""
    server = Server.shared()
    try:
        engine = sqlalchemy.create_engine(psycopg2_url(server.demo()))
        page = PAGE.read_text(encoding="utf-8")
        for name, text in generate_sections(engine).items():
            page = re.sub(
                SECTION.format(name=name), lambda _, text=text: text, page, count=1, flags=re.DOTALL
            )
        engine.dispose()
        PAGE.write_text(page, encoding="utf-8")
    finally:
        server.drop_all()


if __name__ == "__main__":
    main()
