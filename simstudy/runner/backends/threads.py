"""Threads of this process: for systems that start no processes, and calls that wait."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from simstudy.runner.backends._backend import Call, backend
from simstudy.runner.backends.serial import InProcess


@backend
class Threads(InProcess):
    """Calls of this package's own side by side, those of a user's code one at a time."""

    name = "threads"

    def ends_calls(self, jobs: int) -> bool:
        """No alarm reaches a thread."""
        return jobs == 1 and super().ends_calls(jobs)

    def _results(self, calls: Iterable[Call], jobs: int) -> Iterator[Any]:
        if jobs == 1:
            yield from super()._results(calls, jobs)
            return
        import joblib

        pool = joblib.Parallel(jobs, "threading", return_as="generator_unordered", batch_size=1)
        yield from pool(joblib.delayed(call.made_in_thread)() for call in calls)
