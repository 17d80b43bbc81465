"""Tools of npm, in the versions of a folder's package-lock.json."""

import shutil
import subprocess
from pathlib import Path

INSTALL = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")


def install_tools(folder: Path) -> Path:
    """Install a folder's packages, unless these versions are there; return where they are."""
    modules, lock = folder / "node_modules", folder / "package-lock.json"
    installed = modules / "installed.json"
    if not installed.exists() or installed.read_bytes() != lock.read_bytes():
        done = subprocess.run(INSTALL, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        shutil.copy(lock, installed)
    return modules
