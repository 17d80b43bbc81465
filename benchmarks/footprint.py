"""Memory under load and start-up time, compared with the published API: two workers each.

Memory: each worker of the published API loads everything for itself, gunicorn's default. What it
takes with preload_app, as the service is run, is in the note. Start-up: both preload, on a warm
disk.
"""

import functools
import re
import statistics
import subprocess
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import requests

from benchmarks.load import BODIES
from benchmarks.published import write_estimator
from benchmarks.rows import Row
from benchmarks.variants import PORTS, Variant, gunicorn_command
from tests.support.serving import KEY, Gunicorn

Start = Callable[[], Gunicorn]
STARTS = 7


def proportional_kib(group: int) -> int:
    """Return the proportional set size of a process group in KiB: it counts shared pages once."""
    done = subprocess.run(["pgrep", "-g", str(group)], capture_output=True, text=True, check=True)
    total = 0
    for pid in done.stdout.split():
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += int(re.findall(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)[0])
    return total


def memory(service: Start, published: Start, preloaded: Start) -> Row:
    """Compare the memory after a load on both workers of each."""
    kib = []
    for start in (service, published, preloaded):
        server = start()
        try:
            Variant("", [server]).load("/cluster", 8, 3)
            kib.append(proportional_kib(server.process.pid))
        finally:
            server.stop()
    texts = [f"{size / 1024:.0f} MB" for size in kib]
    note = f"{texts[0]} to {texts[1]}; {kib[0] / kib[2]:.2f} of the {texts[2]} with preload_app"
    label = "memory of 2 workers under load, to the published API"
    return Row("memory", label, kib[0] / kib[1], 0.45, "ratio", at_least=False, note=note)


def first_response_s(start: Start, route: str = "/cluster") -> float:
    """Return the seconds from the start of the process to the first response of a route."""
    body = BODIES[route](uuid.uuid4().hex)(1).encode()
    began = time.perf_counter()
    server = start()
    try:
        response = requests.post(
            f"{server.url}{route}",
            data=body,
            headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
            timeout=10,
        )
        duration = time.perf_counter() - began
        assert response.ok, response.text
        return duration
    finally:
        server.stop()


def cold_start(service: Start, published: Start) -> Row:
    """Compare the median of alternating starts; the first of each only warms the disk."""
    pairs = [(first_response_s(service), first_response_s(published)) for _ in range(STARTS + 1)][
        1:
    ]
    service_s, published_s = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratios = [mine / theirs for mine, theirs in pairs]
    note = f"{min(ratios):.2f} to {max(ratios):.2f}; {service_s:.2f} s to {published_s:.2f} s"
    label = "start to first response, to the published API"
    ratio = statistics.median(ratios)
    return Row("cold_start", label, ratio, 0.6, "ratio", at_least=False, note=note)


def rows(url: str) -> list[Row]:
    """Return both rows."""
    shared = {"DATABASE_URL": url, "WEB_CONCURRENCY": str(PORTS), "WEB_THREADS": "4"}
    with ExitStack() as stack:
        pickle = Path(stack.enter_context(TemporaryDirectory()), "published.joblib")
        write_estimator(pickle)

        def service() -> Gunicorn:
            return Gunicorn(shared | {"API_KEYS": KEY})

        def published(preload: str) -> Gunicorn:
            environment = shared | {"PUBLISHED_MODEL": str(pickle), "PRELOAD": preload}
            return Gunicorn(environment, gunicorn_command("benchmarks.published:app"))

        preloaded = functools.partial(published, preload="1")
        by_default = functools.partial(published, preload="0")
        return [memory(service, by_default, preloaded), cold_start(service, preloaded)]
