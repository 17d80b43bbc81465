"""install.sh, which `make run` and `make test` begin with, on small sets of packages."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.paths import ROOT

# What the script calls, apart from Python.
TOOLS = ("bash", "cmp", "cp", "dirname", "id", "rm")
LOCK = (ROOT / "requirements-dev.txt").read_text()
WITHOUT_VENV = 'case "$2" in *ensurepip*) exit 1; esac; exec "$PYTHON_HERE" "$@"'
WITHOUT_CAPABILITIES = (
    (shutil.which("setpriv") or "", "--inh-caps=-all", "--bounding-set=-all")
    if os.geteuid() == 0
    else ()
)
OFFLINE = {"PIP_INDEX_URL": "http://127.0.0.1:9", "UV_OFFLINE": "1"}


def pinned(package: str) -> str:
    """Return a package's lines of the lock file."""
    found = re.search(rf"^{package}==.*?(?=^\S)", LOCK, re.MULTILINE | re.DOTALL)
    assert found
    return found[0]


@dataclass
class Project:
    """A folder with install.sh and its own PATH, whose tests need one package more."""

    root: Path

    def __post_init__(self) -> None:
        for name in ("install.sh", "pyproject.toml"):
            shutil.copy(ROOT / name, self.root)
        self.lock("run", "idna")
        self.lock("dev", "idna", "iniconfig")
        self.commands = self.root / "commands"
        self.commands.mkdir()
        for tool in TOOLS:
            (self.commands / tool).symlink_to(shutil.which(tool) or tool)

    def lock(self, group: str, *packages: str) -> None:
        text = "".join(pinned(package) for package in packages)
        (self.root / f"requirements-{group}.txt").write_text(text)

    def add_python(self, name: str, script: str = 'exec "$PYTHON_HERE" "$@"') -> None:
        file = self.commands / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def install(
        self, group: str, *prefix: str, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        # Settings of pip and uv may name the registry that the machine uses.
        settings = {name: text for name, text in os.environ.items() if re.match("PIP_|UV_", name)}
        variables = {"PATH": str(self.commands), "HOME": os.environ["HOME"]}
        variables["PYTHON_HERE"] = getattr(sys, "_base_executable", sys.executable)
        return subprocess.run(
            [*prefix, shutil.which("bash") or "bash", "install.sh", group],
            cwd=self.root,
            env=settings | variables | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def can_import(self, module: str) -> bool:
        command = [str(self.root / ".venv/bin/python"), "-c", f"import {module}"]
        return not subprocess.run(command, capture_output=True, check=False).returncode


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project on a machine with one Python."""
    project = Project(tmp_path)
    project.add_python("python3")
    return project


def succeed(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stderr


def test_running_takes_fewer_packages_than_the_tests_and_keeps_theirs(project: Project) -> None:
    succeed(project.install("run"))
    assert (project.can_import("idna"), project.can_import("iniconfig")) == (True, False)
    succeed(project.install("dev"))
    assert project.can_import("iniconfig")
    succeed(project.install("run", **OFFLINE))
    assert project.can_import("iniconfig")


def test_a_new_date_of_the_lock_needs_no_network_and_a_new_package_is_installed(
    project: Project,
) -> None:
    succeed(project.install("run"))
    os.utime(project.root / "requirements-run.txt", (2**31, 2**31))
    succeed(project.install("run", **OFFLINE))
    project.lock("run", "idna", "iniconfig")
    succeed(project.install("run"))
    assert project.can_import("iniconfig")


def test_an_environment_that_was_left_half_made_is_completed(project: Project) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", project.root / ".venv"])
    succeed(project.install("run"))
    assert project.can_import("idna")


def test_an_environment_whose_python_is_gone_is_made_again_and_the_database_kept(
    project: Project,
) -> None:
    succeed(project.install("run"))
    (project.root / "instance").mkdir()
    (project.root / "instance" / "data").touch()
    python = project.root / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    succeed(project.install("run"))
    assert project.can_import("idna")
    assert (project.root / "instance" / "data").exists()


def test_a_command_without_its_python_and_a_python_without_venv_are_passed_over(
    project: Project,
) -> None:
    project.add_python("python3.14", "exit 127")
    project.add_python("python3.13", WITHOUT_VENV)
    succeed(project.install("run"))


def test_the_newest_python_is_used(project: Project) -> None:
    project.add_python("python3.14", 'echo used >newest; exec "$PYTHON_HERE" "$@"')
    succeed(project.install("run"))
    assert (project.root / "newest").exists()


@pytest.mark.parametrize("script", [None, "exit 1"], ids=["none", "another version"])
def test_without_a_python_of_these_versions_one_line_says_what_to_install(
    project: Project, script: str | None
) -> None:
    (project.commands / "python3").unlink()
    if script:
        project.add_python("python3", script)
    done = project.install("run")
    assert (done.returncode, done.stderr) == (
        1,
        "There is no Python 3.11 to 3.14: apt install python3 python3-venv (Debian, Ubuntu)"
        " or brew install python (macOS)\n",
    )


def test_without_python3_venv_one_line_names_the_package(project: Project) -> None:
    project.add_python("python3", WITHOUT_VENV)
    name = f"python3.{sys.version_info.minor}"
    done = project.install("run")
    assert done.returncode == 1
    assert done.stderr == f"{name} cannot create environments: apt install {name}-venv\n"
    assert not (project.root / ".venv").exists()


def test_an_environment_that_root_made_is_one_line(project: Project) -> None:
    (project.root / ".venv").mkdir(mode=0o500)
    # Root's capabilities would let it write into any directory.
    done = project.install("run", *WITHOUT_CAPABILITIES)
    assert done.returncode == 1
    owned = f"{project.root}/.venv belongs to another user (root with sudo?)"
    assert done.stderr.startswith(f"{owned}: sudo chown -R ")
    assert done.stderr.count("\n") == 1
