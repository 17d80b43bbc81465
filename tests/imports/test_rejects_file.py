"""The file of rejected rows, which holds people's ids."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.manage import run_manage

USERS = "_id,city,surf\nu1,Vigo,maybe\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "users.csv"
    path.write_text(USERS)
    return path


@pytest.fixture(autouse=True)
def _common_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.parametrize("options", [("--dry-run",), ("--yes",), ("--dry-run", "--yes")])
def test_only_its_owner_may_read_it_also_where_all_could_read_the_one_before(
    new_database: str, path: Path, options: tuple[str, ...]
) -> None:
    rejects = path.with_suffix(".rejects.csv")
    for _ in range(2):
        done = run_manage("users", "import", str(path), *options, DATABASE_URL=new_database)
        assert done.returncode == 0, done.stderr
        assert rejects.read_text().splitlines()[1].startswith("2,u1,surf,")
        assert rejects.stat().st_mode & 0o777 == 0o600
        rejects.chmod(0o644)


def test_a_link_in_its_place_is_replaced_and_what_it_leads_to_is_not(
    new_database: str, path: Path
) -> None:
    other = path.with_name("other.txt")
    other.write_text("other")
    rejects = path.with_suffix(".rejects.csv")
    rejects.symlink_to(other)
    run_manage("users", "import", str(path), "--yes", DATABASE_URL=new_database)
    assert other.read_text() == "other"
    assert not rejects.is_symlink()


def test_a_device_or_pipe_in_its_place_is_refused_and_stays(new_database: str, path: Path) -> None:
    pipe = path.with_name("pipe")
    os.mkfifo(pipe)
    done = run_manage(
        *("users", "import", str(path), "--yes", "--rejects", str(pipe)), DATABASE_URL=new_database
    )
    assert (done.returncode, pipe.is_fifo()) == (1, True)
    assert done.stderr.splitlines()[-1] == f"Error: {pipe} cannot be written: it is not a file"
