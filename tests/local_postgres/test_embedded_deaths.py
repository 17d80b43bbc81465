"""After any process is killed: nothing is left running, no data is lost, the next start works."""

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
def killed_at_end(process):
    """Kill a process at the end, also if the test fails."""
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
        server.wait_for_process("postgres").kill()

        eventually(lambda: server.log().count("is ready to accept") > kills)  # noqa: B023
        eventually(lambda: answers(url))
        assert query(url, "SELECT number FROM kept") == 42


def test_a_postgres_that_was_stopped_by_hand_is_started_again(server, answers, eventually):
    url = server.user().join()
    stopped = server.wait_for_process("postgres")

    stopped.send_signal(signal.SIGINT)

    eventually(lambda: not stopped.is_running())
    eventually(lambda: answers(url))


def test_a_killed_supervisor_takes_its_postgres_with_it(server, eventually):
    server.user().join()

    server.wait_for_process("supervisor.py").kill()

    eventually(lambda: not server.processes())
    # The socket directory is left over; the next supervisor removes it.
    server.user().join()


def test_joining_while_the_supervisor_is_killed_gives_a_supervised_server(server, query):
    url = server.user().join()
    query(url, "CREATE TABLE kept AS SELECT 42 AS number")
    for _ in range(3):
        newcomer = server.user()
        killed = server.wait_for_process("supervisor.py")
        killed.kill()

        newcomer.join()

        assert server.wait_for_process("supervisor.py").pid != killed.pid
        # The first user's URL works again too.
        assert query(url, "SELECT number FROM kept") == 42


def test_a_terminated_supervisor_stops_its_server_cleanly(server, eventually):
    server.user().join()

    server.wait_for_process("supervisor.py").terminate()

    eventually(server.is_gone)
    assert "database system is shut down" in server.log()


@pytest.mark.parametrize("victim", ["user.py", "supervisor.py", "initdb", "all"])
def test_a_kill_during_initdb_does_not_spoil_the_next_start(new_server, query, eventually, victim):
    user = new_server.user()
    user.start_joining()
    processes = {"user.py": psutil.Process(user.process.pid)}
    processes["initdb"] = new_server.wait_for_process("initdb")
    processes["supervisor.py"] = new_server.wait_for_process("supervisor.py")

    for process in processes.values() if victim == "all" else [processes[victim]]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()

    if victim in ("user.py", "all"):
        eventually(lambda: not new_server.processes())
        user = new_server.user()
        user.start_joining()
    assert query(user.finish_joining(), "SELECT count(*) FROM pg_database") == 4
    assert not (new_server.paths.pg / "initdb.unfinished").exists()


def test_incomplete_data_is_created_again(new_server, query):
    (new_server.paths.pg / "data" / "base").mkdir(parents=True)
    (new_server.paths.pg / "data" / "PG_VERSION").write_text("18\n")
    (new_server.paths.pg / "initdb.unfinished").touch()
    if os.geteuid() == 0:
        os.chown(new_server.paths.pg, 65534, 65534)

    assert query(new_server.user().join(), "SELECT 1") == 1


def test_a_stale_pid_that_was_reused_by_another_process_does_no_harm(server, query, eventually):
    user = server.user()
    query(user.join(), "CREATE TABLE kept AS SELECT 42 AS number")
    kill_without_cleanup(server, eventually)
    # Run as the user of postgres, which takes the pid of another user's process for stale.
    owner = 65534 if os.geteuid() == 0 else None
    with killed_at_end(subprocess.Popen(["sleep", "600"], user=owner)) as bystander:
        stale = [server.paths.pg / "data" / "postmaster.pid"]
        stale += server.paths.sockets.glob(".s.PGSQL.*.lock")
        assert len(stale) == 2
        for file in stale:
            rest = file.read_text().split("\n")[1:]
            file.write_text("\n".join([str(bystander.pid), *rest]))

        newcomer = server.user()
        url = newcomer.join()

        assert query(url, "SELECT number FROM kept") == 42
        user.kill()
        newcomer.leave()
        assert bystander.poll() is None


def kill_without_cleanup(server, eventually):
    parent, postgres = server.wait_for_process("supervisor.py"), server.wait_for_process("postgres")
    parent.send_signal(signal.SIGSTOP)
    postgres.kill()
    eventually(lambda: postgres.status() == psutil.STATUS_ZOMBIE)
    parent.kill()


def test_a_server_without_a_supervisor_is_replaced(server, query, answers, eventually):
    """A killed supervisor leaves an orphan where there is no parent-death signal (macOS)."""
    user = server.user()
    url = user.join()
    query(url, "CREATE TABLE kept AS SELECT 42 AS number")
    user.leave()
    eventually(server.is_gone)
    server.paths.sockets.mkdir(mode=0o700)
    command = [part for part in supervisor.prefix() if part not in ("--pdeathsig", "INT")]
    options = ["-D", server.paths.pg / "data", "-k", server.paths.sockets, "-h", ""]
    lock = os.open(server.paths.server_lock, os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    command += [find_binaries() / "postgres", *options]
    orphan = subprocess.Popen(command, pass_fds=[lock], stderr=subprocess.DEVNULL)
    os.close(lock)
    with killed_at_end(orphan):
        eventually(lambda: answers(url))

        assert query(server.user().join(), "SELECT number FROM kept") == 42

        assert orphan.wait(60) == 0


def test_an_instance_removed_under_a_running_server_can_be_created_again(server, query, eventually):
    first = server.user()
    query(first.join(), "CREATE TABLE gone AS SELECT 1")

    # rm, not shutil.rmtree, which fails when the server removes files at the same time.
    eventually(lambda: subprocess.run(["rm", "-rf", server.instance]).returncode == 0)
    eventually(server.is_gone)

    url = server.user().join()
    assert query(url, "SELECT to_regclass('gone') IS NULL") is True
    # The first user still holds the deleted lock, and counts again after joining again.
    assert first.join() == url
    server.users[-1].leave()
    server.wait_for_polls()
    assert query(url, "SELECT 1") == 1
