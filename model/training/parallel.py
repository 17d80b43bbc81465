"""Runs a function for several arguments in parallel processes."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

Result = TypeVar("Result")
# Called after each result, with the step's name and the number of results.
Progress = Callable[[str, int], None]


def run_parallel(
    function: Callable[..., Result],
    arguments: Sequence[tuple[Any, ...]],
    workers: int,
    step: str,
    progress: Progress | None,
) -> list[Result]:
    """Return the function's result for each tuple of arguments, in order."""
    results = []
    for result in Parallel(n_jobs=workers, return_as="generator")(
        delayed(_run_on_one_thread)(function, *each) for each in arguments
    ):
        results.append(result)
        if progress:
            progress(step, len(arguments))
    return results


def _run_on_one_thread(function: Callable[..., Result], *arguments: Any) -> Result:
    # Sharing matrices this small among threads is slower.
    with threadpool_limits(limits=1):
        return function(*arguments)
