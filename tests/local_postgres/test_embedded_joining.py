"""Starting, joining and leaving: one server for all users, none after the last has left."""

import os
import pathlib
import tempfile

import psycopg2.extensions
import pytest
import sqlalchemy


def test_the_first_user_starts_a_server_and_the_second_joins_it(new_server, query):
    first = new_server.user().join()
    query(first, "CREATE TABLE seen (word text)")
    query(first, "INSERT INTO seen VALUES ('hello')")

    second = new_server.user().join()

    assert query(second, "SELECT word FROM seen") == "hello"
    assert len(new_server.processes("supervisor.py")) == 1
    assert new_server.log().count("starting PostgreSQL") == 1


def test_data_survives_a_stop_and_a_start(server, query, eventually):
    user = server.user()
    url = user.join()
    query(url, "CREATE TABLE kept AS SELECT 42 AS number")
    user.leave()
    eventually(server.is_gone)

    assert query(server.user().join(), "SELECT number FROM kept") == 42


@pytest.mark.parametrize("count", [2, 8])
def test_users_who_start_at_once_share_one_server(new_server, query, count):
    users = [new_server.user() for _ in range(count)]
    for user in users:
        user.start_joining()

    (url,) = {user.finish_joining() for user in users}

    assert query(url, "SELECT count(*) FROM pg_database WHERE datname = 'nomad_rooms'") == 1
    assert len(new_server.processes("supervisor.py")) == 1
    assert new_server.log().count("starting PostgreSQL") == 1


def test_processes_that_race_for_the_same_new_database_all_get_it(server, query):
    users = [server.user() for _ in range(4)]
    users[0].join()
    for user in users:
        user.send("join(instance, 'contended')")

    assert {query(user.finish_joining(), "SELECT current_database()") for user in users} == {
        "contended"
    }


def test_one_process_may_join_several_databases_of_any_name_but_an_empty_one(server, query):
    user = server.user()

    urls = [user.evaluate(f"join(instance, {name!r})") for name in ("one", "two words/&?%", "one")]

    assert urls[0] == urls[2]
    assert query(urls[0], "SELECT current_database()") == "one"
    assert query(urls[1], "SELECT current_database()") == "two words/&?%"
    engine = sqlalchemy.create_engine(urls[1].replace("postgresql:", "postgresql+psycopg2:"))
    with engine.connect() as connection:
        statement = sqlalchemy.text("SELECT current_database()")
        assert connection.scalar(statement) == "two words/&?%"
    engine.dispose()
    assert "refused: 'The embedded Postgres has no database" in user.evaluate("join(instance, '')")


def test_environment_variables_of_users_change_nothing(server, query, monkeypatch):
    monkeypatch.setenv("PGPORT", "6543")
    monkeypatch.setenv("PGHOST", "nowhere")
    monkeypatch.setenv("PGUSER", "nobody")
    url = server.user(PGDATA="/nowhere", TMPDIR="/nowhere", LC_ALL="C").join()

    # Capital and accented letters fold and sort the same on every machine.
    assert query(url, "SELECT lower('ÅÑ') || current_setting('server_encoding')") == "åñUTF8"
    assert query(url, "SELECT 'Z' < 'a' AND 'z' < 'Å'") is True


def test_a_private_directory_with_spaces_in_its_name_works(make_server, tmp_path, query):
    home = tmp_path / "only mine"
    home.mkdir(mode=0o700)
    server = make_server(home / "an instance")

    url = server.user().join()

    assert query(url, "SHOW data_directory") == str(home / "an instance" / "pg" / "data")


def test_two_names_of_one_directory_are_one_server(new_server, make_server, tmp_path):
    new_server.instance.mkdir()
    (tmp_path / "other name").symlink_to(new_server.instance)

    urls = {new_server.user().join(), make_server(tmp_path / "other name").user().join()}

    assert len(urls) == 1


def test_other_users_cannot_reach_the_server(server, query):
    url = server.user().join()

    # Also if postgres runs as nobody, the directory does not belong to that user, who may run
    # other programs.
    assert server.paths.sockets.stat().st_mode & 0o777 == 0o700
    assert server.paths.sockets.stat().st_uid == os.geteuid()
    owners = {process.uids().effective for process in server.processes("postgres")}
    assert owners == {65534 if os.geteuid() == 0 else os.geteuid()}
    assert query(url, "SHOW listen_addresses") == ""
    assert query(url, "SHOW fsync") == "on"


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests already run as an ordinary user")
def test_an_ordinary_user_gets_a_server_of_their_own(make_server, ordinary_user, query, eventually):
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="ordinary user ") as home:
        os.chown(home, 1000, 1000)
        server = make_server(pathlib.Path(home) / "instance")
        user = server.user(*ordinary_user)
        url = user.join()

        assert query(url, "SELECT 1") == 1
        assert {process.uids().effective for process in server.processes()} == {1000}
        user.leave()
        eventually(lambda: not server.processes())
        assert not pathlib.Path(psycopg2.extensions.parse_dsn(url)["host"]).exists()


def test_the_second_user_keeps_the_server_when_the_first_has_left(server, query):
    first, second = server.user(), server.user()
    first.join()
    url = second.join()

    # Returns only if neither the server nor its supervisor holds the pipes of the first user.
    first.leave()

    server.wait_for_polls()
    assert query(url, "SELECT 1") == 1
    assert server.log().count("starting PostgreSQL") == 1


def test_nothing_is_left_when_the_last_user_has_left(server, eventually):
    users = [server.user() for _ in range(2)]
    for user in users:
        user.join()
    assert server.processes()
    assert server.paths.sockets.exists()

    for user in users:
        user.leave()

    eventually(server.is_gone)


def test_joining_while_the_server_stops_gives_a_running_one(server, query, eventually):
    user = server.user()
    user.join()
    for round_ in range(1, 4):
        newcomer = server.user()
        user.leave()
        eventually(lambda: server.log().count("received fast shutdown request") == round_)  # noqa: B023
        assert query(newcomer.join(), "SELECT 1") == 1
        user = newcomer


def test_joining_while_the_last_user_leaves_gives_a_running_server(server, query):
    user = server.user()
    user.join()
    for _ in range(3):
        newcomer = server.user()
        newcomer.start_joining()
        user.leave()
        assert query(newcomer.finish_joining(), "SELECT 1") == 1
        user = newcomer


def test_a_forked_child_keeps_the_server_of_its_killed_parent(server, query, eventually):
    parent = server.user()
    url = parent.join()
    child = int(parent.evaluate("os.fork() or signal.pause()"))
    parent.kill()
    try:
        server.wait_for_polls()
        assert query(url, "SELECT 1") == 1
    finally:
        os.kill(child, 9)
    eventually(server.is_gone)


def test_a_child_program_of_a_user_does_not_keep_the_server(server, eventually):
    user = server.user()
    user.join()
    run = "subprocess.Popen(['sleep', '600'], close_fds=False, stdin=-3, stdout=-3, stderr=-3)"
    sleeper = int(user.evaluate(f"({run}).pid"))
    try:
        user.kill()
        eventually(server.is_gone)
        os.kill(sleeper, 0)
    finally:
        os.kill(sleeper, 9)


def test_a_log_above_its_limit_is_emptied(server, eventually):
    user = server.user()
    user.join()
    with server.paths.log.open("a") as log:
        log.write("x" * 5_000_000)

    eventually(lambda: server.paths.log.stat().st_size < 1_000_000)
