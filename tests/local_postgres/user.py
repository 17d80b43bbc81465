"""A process that uses an embedded server: evaluates each input line and prints the result.

Run as `python user.py INSTANCE` by the tests of this folder. Prints "ready" first, and ends when
its standard input does.
"""

import os  # for the evaluated lines
import pathlib
import signal
import subprocess
import sys

from local_postgres import PostgresUnavailable, join

names = {"os": os, "signal": signal, "subprocess": subprocess, "sys": sys}
names |= {"join": join, "instance": pathlib.Path(sys.argv[1])}

print("ready", flush=True)
for line in sys.stdin:
    try:
        print(eval(line, names), flush=True)
    except PostgresUnavailable as error:
        print(f"refused: {str(error)!r}", flush=True)
