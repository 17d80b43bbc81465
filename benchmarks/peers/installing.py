"""Installs the peers' packages into `instance/peers/`, unless these versions are there."""

import shutil
import subprocess
import sys
from pathlib import Path

from app.config import INSTANCE

SOURCES = Path(__file__).parent
PYTHON_DIRECTORY = INSTANCE / "peers" / "python"
NODE_DIRECTORY = INSTANCE / "peers" / "node"
NODE_SOURCES = (
    "package.json",
    "package-lock.json",
    "fastify_rooms.mjs",
    "prediction.mjs",
    "join.sql",
)
INSTALL_TIMEOUT_S = 300


class NotInstalled(Exception):
    """A peer's packages cannot be installed here; the text says why, in one line."""


def install_python() -> Path:
    """Return the directory of the Python peers' programs. Raises NotInstalled."""
    lock = SOURCES / "requirements.txt"
    programs = PYTHON_DIRECTORY / "bin"
    if not is_installed(lock, PYTHON_DIRECTORY):
        uv = str(Path(sys.executable).parent / "uv")
        run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(PYTHON_DIRECTORY)])
        options = ["--quiet", "--compile-bytecode", "--require-hashes", "-r", str(lock)]
        run([uv, "pip", "install", "--python", str(programs / "python"), *options])
        shutil.copy(lock, PYTHON_DIRECTORY / "installed")
    return programs


def install_node() -> Path:
    """Return the directory of the Node peer and its packages. Raises NotInstalled."""
    if not shutil.which("npm"):
        raise NotInstalled("npm is not installed")
    NODE_DIRECTORY.mkdir(parents=True, exist_ok=True)
    # Node looks for packages beside the file that imports them.
    for name in NODE_SOURCES:
        shutil.copy(SOURCES / name, NODE_DIRECTORY)
    lock = SOURCES / "package-lock.json"
    if not is_installed(lock, NODE_DIRECTORY):
        run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], NODE_DIRECTORY)
        shutil.copy(lock, NODE_DIRECTORY / "installed")
    return NODE_DIRECTORY


def is_installed(lock: Path, directory: Path) -> bool:
    marker = directory / "installed"
    return marker.exists() and marker.read_bytes() == lock.read_bytes()


def run(command: list[str], directory: Path = SOURCES) -> None:
    try:
        subprocess.run(
            command,
            cwd=directory,
            capture_output=True,
            text=True,
            check=True,
            timeout=INSTALL_TIMEOUT_S,
        )
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.strip() or "no message").splitlines()[-1]
        raise NotInstalled(f"{Path(command[0]).name} failed: {reason}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalled(f"{Path(command[0]).name}: {error}") from error
