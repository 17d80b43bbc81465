"""What must be true before requests are worth taking."""

from pathlib import Path

from app.db import Database

REVISIONS = Path(__file__).resolve().parent.parent / "migrations" / "versions"
CHECK = """
    SELECT to_regclass('alembic_version') IS NOT NULL AND to_regclass('models') IS NOT NULL,
           current_setting('transaction_read_only') = 'on'
"""
CHECK_DETAILS = """
    SELECT (SELECT max(version_num) FROM alembic_version),
           EXISTS (SELECT 1 FROM models WHERE id = %(model)s)
"""


def schema_head() -> str:
    """The newest revision that this code brings; revisions are numbered, so the largest."""
    return max(path.name[:4] for path in REVISIONS.glob("[0-9]*.py"))


class Readiness:
    """Looks whether the database is one that this code can serve from."""

    def __init__(self, database: Database, model_id: str) -> None:
        self.database = database
        self.model_id = model_id
        self.head = schema_head()

    def problems(self) -> list[str]:
        """All that stands in the way, each with its mend; none: ready.

        Raises DatabaseUnavailable.
        """
        ((has_schema, is_read_only),) = self.database.execute(CHECK)
        if not has_schema:
            return ["the schema is missing: run `manage.py db upgrade`"]
        revision, registered = self.database.execute(CHECK_DETAILS, {"model": self.model_id})[0]
        problems = ["the database is read-only"] if is_read_only else []
        # A newer schema is fine: migrations only add, and this is what a rollback looks like.
        if not revision or revision < self.head:
            problems.append(f"the schema is at {revision}, not {self.head}: `manage.py db upgrade`")
        if not registered:
            problems.append("the model is not registered: run `manage.py model register`")
        return problems
