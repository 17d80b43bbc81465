"""A process that uses an embedded server: carries out each line it reads, answers with one.

Run as `python user.py INSTANCE` by the tests of this folder. Ready when it has said so, gone
when its standard input ends.
"""

import os  # for the lines
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
