"""Checks whether the database is ready for requests."""

from pathlib import Path

from app.infra.database import Database

REVISIONS = Path(__file__).resolve().parents[3] / "migrations" / "versions"
# Counting more rows than fit in SMALL_MEMORY writes them to the server's disk, which fails if it is
# full: with 72 KB it costs a millisecond and, unlike a table, leaves nothing behind.
CHECK = """
    SELECT to_regclass('alembic_version') IS NOT NULL AND to_regclass('models') IS NOT NULL
               AS has_schema,
           current_setting('transaction_read_only') = 'on' AS is_read_only,
           (SELECT count(*) FROM generate_series(1, 5000)) AS rows_on_disk
"""
SMALL_MEMORY = "work_mem = '64kB'"
CHECK_DETAILS = """
    SELECT (SELECT max(version_num) FROM alembic_version) AS revision,
           EXISTS (SELECT 1 FROM models WHERE id = %(model)s) AS is_registered
"""


def schema_head() -> str:
    """Return this release's newest revision: the largest, since revisions are numbered."""
    return max(path.name[:4] for path in REVISIONS.glob("[0-9]*.py"))


class Readiness:
    """Checks whether this release can serve from the database."""

    def __init__(self, database: Database, model_id: str) -> None:
        self.database = database
        self.model_id = model_id
        self.head = schema_head()

    def problems(self) -> list[str]:
        """Return the problems with their remedies; an empty list: ready.

        Raises DatabaseUnavailable.
        """
        (state,) = self.database.execute(CHECK, settings=SMALL_MEMORY)
        if not state.has_schema:
            return ["the schema is missing: run `manage.py db upgrade`"]
        (details,) = self.database.execute(CHECK_DETAILS, {"model": self.model_id})
        problems = ["the database is read-only"] if state.is_read_only else []
        # A newer schema is fine after a rollback: migrations are backward compatible.
        if not details.revision or details.revision < self.head:
            problems.append(
                f"the schema is at {details.revision}, not {self.head}: `manage.py db upgrade`"
            )
        if not details.is_registered:
            problems.append("the model is not registered: run `manage.py model register`")
        return problems
