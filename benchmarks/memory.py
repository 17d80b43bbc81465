"""The peak memory of a process."""

import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

POLL_INTERVAL_S = 0.05


def peak_mb(
    process: "subprocess.Popen[Any]", on_poll: Callable[[], object] = lambda: None
) -> float:
    """Wait until a process ends, and return its largest resident set in MB.

    Reads /proc while the process runs: the maximum that the kernel reports at its end includes the
    parent, from which it was forked.
    """
    peak_kib = 0
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text()
        peak_kib = max(peak_kib, *map(int, re.findall(r"VmHWM:\s+(\d+)", status) or [0]))
        time.sleep(POLL_INTERVAL_S)
        on_poll()
    return peak_kib / 1024
