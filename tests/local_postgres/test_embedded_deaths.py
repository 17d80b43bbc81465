"""Whoever dies, whenever: nothing is left running, no data is lost, the next start works."""

import contextlib
import fcntl
import os
import signal
import subprocess

import psutil
import pytest

from local_postgres import supervisor
from local_postgres.binaries import find_binaries


@contextlib.contextmanager
def ending(process):
    """Kill a process at the end, also when the test fails."""
    with process:
        try:
            yield process
        finally:
            process.kill()


def test_a_killed_user_leaves_nothing_running(server, query, eventually):
    user = server.user()
    query(user.join(), "CREATE TABLE kept AS SELECT 42 AS number")

    user.kill()

    eventually(server.is_gone)
    assert query(server.user().join(), "SELECT number FROM kept") == 42


def test_a_killed_postgres_is_started_again_with_its_data(server, query, answers, eventually):
    url = server.user().join()
    query(url, "CREATE TABLE kept AS SELECT 42 AS number")
    for kills in range(1, 3):
        server.await_process("postgres").kill()

        eventually(lambda: server.log().count("is ready to accept") > kills)  # noqa: B023
        eventually(lambda: answers(url))
        assert query(url, "SELECT number FROM kept") == 42


def test_a_postgres_that_was_stopped_by_hand_is_started_again(server, answers, eventually):
    url = server.user().join()
    stopped = server.await_process("postgres")

    stopped.send_signal(signal.SIGINT)

    eventually(lambda: not stopped.is_running())
    eventually(lambda: answers(url))


def test_a_killed_supervisor_takes_its_postgres_with_it(server, eventually):
    server.user().join()

    server.await_process("supervisor.py").kill()

    eventually(lambda: not server.processes())
    # Nobody was left to remove the socket directory: the next to leave will.
    server.user().join()


def test_who_joins_at_the_moment_the_supervisor_is_killed_gets_a_supervised_server(server, query):
    url = server.user().join()
    query(url, "CREATE TABLE kept AS SELECT 42 AS number")
    for _ in range(3):
        newcomer = server.user()
        killed = server.await_process("supervisor.py")
        killed.kill()

        newcomer.join()

        assert server.await_process("supervisor.py").pid != killed.pid
        # The first user has its server back too, at the same address.
        assert query(url, "SELECT number FROM kept") == 42


def test_a_supervisor_that_is_told_to_end_stops_its_server_cleanly(server, eventually):
    server.user().join()

    server.await_process("supervisor.py").terminate()

    eventually(server.is_gone)
    assert "database system is shut down" in server.log()


@pytest.mark.parametrize("victim", ["user.py", "supervisor.py", "initdb", "everybody"])
def test_a_kill_during_initdb_does_not_spoil_the_next_start(new_server, query, eventually, victim):
    user = new_server.user()
    user.ask_to_join()
    processes = {"user.py": psutil.Process(user.process.pid)}
    processes["initdb"] = new_server.await_process("initdb")
    processes["supervisor.py"] = new_server.await_process("supervisor.py")

    for process in processes.values() if victim == "everybody" else [processes[victim]]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()

    if victim in ("user.py", "everybody"):
        eventually(lambda: not new_server.processes())
        user = new_server.user()
        user.ask_to_join()
    assert query(user.joined(), "SELECT count(*) FROM pg_database") == 4
    assert not (new_server.places.pg / "initdb.unfinished").exists()


def test_data_left_half_made_is_made_again(new_server, query):
    (new_server.places.pg / "data" / "base").mkdir(parents=True)
    (new_server.places.pg / "data" / "PG_VERSION").write_text("18\n")
    (new_server.places.pg / "initdb.unfinished").touch()
    if os.geteuid() == 0:
        os.chown(new_server.places.pg, 65534, 65534)

    assert query(new_server.user().join(), "SELECT 1") == 1


def test_a_stale_pid_that_now_names_an_innocent_process_does_no_harm(server, query, eventually):
    user = server.user()
    query(user.join(), "CREATE TABLE kept AS SELECT 42 AS number")
    kill_before_they_can_tidy_up(server, eventually)
    # Of the user that postgres runs as: it takes the pid of anybody else's process for stale.
    owner = 65534 if os.geteuid() == 0 else None
    with ending(subprocess.Popen(["sleep", "600"], user=owner)) as innocent:
        stale = [server.places.pg / "data" / "postmaster.pid"]
        stale += server.places.sockets.glob(".s.PGSQL.*.lock")
        assert len(stale) == 2
        for file in stale:
            rest = file.read_text().split("\n")[1:]
            file.write_text("\n".join([str(innocent.pid), *rest]))

        newcomer = server.user()
        url = newcomer.join()

        assert query(url, "SELECT number FROM kept") == 42
        user.kill()
        newcomer.leave()
        assert innocent.poll() is None


def kill_before_they_can_tidy_up(server, eventually):
    keeper, postgres = server.await_process("supervisor.py"), server.await_process("postgres")
    keeper.send_signal(signal.SIGSTOP)
    postgres.kill()
    eventually(lambda: postgres.status() == psutil.STATUS_ZOMBIE)
    keeper.kill()


def test_a_server_without_a_supervisor_is_replaced(server, query, answers, eventually):
    """An orphan is what a killed supervisor leaves where the kernel does not tell its child."""
    user = server.user()
    url = user.join()
    query(url, "CREATE TABLE kept AS SELECT 42 AS number")
    user.leave()
    eventually(server.is_gone)
    server.places.sockets.mkdir(mode=0o700)
    untied = [part for part in supervisor.prefix() if part not in ("--pdeathsig", "INT")]
    options = ["-D", server.places.pg / "data", "-k", server.places.sockets, "-h", ""]
    lock = os.open(server.places.server_lock, os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    command = [*untied, find_binaries() / "postgres", *options]
    orphan = subprocess.Popen(command, pass_fds=[lock], stderr=subprocess.DEVNULL)
    os.close(lock)
    with ending(orphan):
        eventually(lambda: answers(url))

        assert query(server.user().join(), "SELECT number FROM kept") == 42

        assert orphan.wait(60) == 0


def test_an_instance_removed_under_a_living_server_can_be_made_anew(server, query, eventually):
    bereft = server.user()
    query(bereft.join(), "CREATE TABLE gone AS SELECT 1")

    # As a person would, not shutil.rmtree: the server removes files at the same time.
    eventually(lambda: subprocess.run(["rm", "-rf", server.instance]).returncode == 0)
    eventually(server.is_gone)

    url = server.user().join()
    assert query(url, "SELECT to_regclass('gone') IS NULL") is True
    # The first user counts again once it has joined again, although it holds the old lock.
    assert bereft.join() == url
    server.users[-1].leave()
    server.await_look()
    assert query(url, "SELECT 1") == 1
