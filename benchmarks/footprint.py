"""Memory under load, and the time from a cold process to its first answer, against the published
way: two workers each, on a warm disk.

Memory: each worker of the published way loads all of it for itself, as gunicorn does unless it is
told otherwise; what it takes when loaded once and shared, as ours is, is printed beside it. The
start: both are loaded once.
"""

import functools
import re
import statistics
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import requests

from benchmarks.load import published as body_of
from benchmarks.published import write_estimator
from benchmarks.rows import Row
from benchmarks.sides import PORTS, Side, command
from tests.support.serving import KEY, Gunicorn

Start = Callable[[], Gunicorn]
STARTS = 7


def proportional_kib(group: int) -> int:
    """The proportional set sizes of a process group, in KiB: shared pages counted once in all."""
    found = subprocess.run(["pgrep", "-g", str(group)], capture_output=True, text=True, check=True)
    total = 0
    for pid in found.stdout.split():
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += int(re.findall(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)[0])
    return total


def memory(ours: Start, published: Start, preloaded: Start) -> Row:
    """After a load on both workers of each."""
    kib = []
    for start in (ours, published, preloaded):
        server = start()
        try:
            Side("", [server]).ask("/cluster", 8, 3)
            kib.append(proportional_kib(server.process.pid))
        finally:
            server.stop()
    mine, theirs, shared = (f"{each / 1024:.0f} MB" for each in kib)
    spread = f"{mine} to {theirs}; {kib[0] / kib[2]:.2f} of the {shared} it takes when preloaded"
    told = "memory of 2 workers under load, to the published way"
    return Row("memory", told, kib[0] / kib[1], 0.35, "ratio", at_least=False, spread=spread)


def first_answer_s(start: Start) -> float:
    """Seconds from the start of the process to its first answer of `POST /cluster`."""
    body = body_of("cold")(1).encode()
    began = time.perf_counter()
    server = start()
    try:
        answer = requests.post(
            f"{server.url}/cluster",
            data=body,
            headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
            timeout=10,
        )
        took = time.perf_counter() - began
        assert answer.ok, answer.text
        return took
    finally:
        server.stop()


def cold_start(ours: Start, published: Start) -> Row:
    """The median of starts in turn; the first of each warms the disk."""
    times: list[tuple[float, float]] = [
        (first_answer_s(ours), first_answer_s(published)) for _ in range(STARTS + 1)
    ][1:]
    mine, theirs = (statistics.median(side) for side in zip(*times, strict=True))
    ratios = [ours / published for ours, published in times]
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}; {mine:.2f} s to {theirs:.2f} s"
    told = "start to first answer, to the published way"
    ratio = statistics.median(ratios)
    return Row("cold_start", told, ratio, 0.6, "ratio", at_least=False, spread=spread)


def rows(url: str) -> list[Row]:
    """Both rows."""
    shared = {"DATABASE_URL": url, "WEB_CONCURRENCY": str(PORTS), "WEB_THREADS": "4"}
    with ExitStack() as end:
        pickled = Path(end.enter_context(TemporaryDirectory()), "published.joblib")
        write_estimator(pickled)

        def ours() -> Gunicorn:
            return Gunicorn(shared | {"API_KEYS": KEY})

        def published(preload: str) -> Gunicorn:
            environment = shared | {"PUBLISHED_MODEL": str(pickled), "PRELOAD": preload}
            return Gunicorn(environment, command("benchmarks.published:app"))

        preloaded = functools.partial(published, preload="1")
        by_default = functools.partial(published, preload="0")
        return [memory(ours, by_default, preloaded), cold_start(ours, preloaded)]
