"""The memory of a process while it runs."""

import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def peak_mb(
    process: "subprocess.Popen[Any]", meanwhile: Callable[[], object] = lambda: None
) -> float:
    """Wait until a process ends: its largest resident set, in MB. `meanwhile`: done at each look.

    The kernel's figure at the end would count this process too, from which the other was forked.
    """
    peak = 0
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text()
        peak = max(peak, *map(int, re.findall(r"VmHWM:\s+(\d+)", status) or [0]))
        time.sleep(0.05)
        meanwhile()
    return peak / 1024
