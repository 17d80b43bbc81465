"""/readyz on a server whose disk is full."""

from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy

from app.config import psycopg2_url
from app.domain.schema.readiness import Readiness
from app.infra.database import Database, DatabaseUnavailable, engine_options
from tests.support.postgres import Postgres
from tests.support.trials.databases import small_disk


def test_the_service_is_not_ready_while_the_disk_of_its_database_is_full(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        postgres = Postgres(disk)
        engine = sqlalchemy.create_engine(psycopg2_url(postgres.url()), **engine_options(1))
        readiness = Readiness(Database(engine), "model")
        try:
            (problem,) = readiness.problems()
            assert problem.startswith("the schema is missing")
            ballast = disk / "ballast"
            with suppress(OSError), ballast.open("wb", buffering=0) as file:
                while file.write(bytes(65_536)):
                    pass
            with pytest.raises(DatabaseUnavailable, match="DiskFull"):
                readiness.problems()
            ballast.unlink()
            assert readiness.problems() == [problem]
        finally:
            engine.dispose()
            postgres.stop()
