"""Processes of this machine, started by joblib's loky, which end with this one."""

from __future__ import annotations

import importlib
import os
import threading
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import BrokenExecutor
from typing import Any

from simstudy.runner.apart import how_it_ended
from simstudy.runner.backends._backend import Call, LostError, NoWorkersError, backend
from simstudy.runner.backends.serial import InProcess
from simstudy.runner.process import cores, follow, uninterrupted

_NO_WORKERS = "worker processes cannot be started"


@backend
class Loky(InProcess):
    """Worker processes; BLAS and OpenMP keep to one thread in each."""

    name = "loky"

    def n_here(self, asked: int | None) -> int:
        """As many as there are workers, or cores."""
        return asked or cores()

    def ends_calls(self, jobs: int) -> bool:
        """A worker has nothing else to do."""
        return jobs > 1 or super().ends_calls(jobs)

    def _results(self, calls: Iterable[Call], jobs: int) -> Iterator[Any]:
        if jobs == 1:
            yield from super()._results(calls, jobs)
            return
        try:
            yield from _parallel(calls, jobs)
        except BrokenExecutor as error:
            raise LostError(how_it_ended(error)) from None


def _parallel(calls: Iterable[Call], jobs: int) -> Iterator[Any]:
    warnings.filterwarnings("ignore", ".*joblib will operate in serial mode", UserWarning)
    import joblib

    # loky replaces a worker whose memory grew, which changes nothing here
    warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
    warnings.filterwarnings("ignore", ".* tasks which were still being processed", UserWarning)
    try:
        _try_semaphore()
    except (ImportError, OSError) as error:
        raise NoWorkersError(f"{_NO_WORKERS} ({error})") from None
    main = threading.current_thread() is threading.main_thread()
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        pool = joblib.Parallel(
            n_jobs=jobs, return_as="generator_unordered", batch_size=1,
            initializer=follow, initargs=(os.getpid(), main),
        )  # fmt: skip
        with uninterrupted():  # workers start deaf to Ctrl-C; the parent hears it and ends them
            try:
                results = pool(joblib.delayed(call.made)() for call in calls)
            except OSError as error:
                raise NoWorkersError(f"{_NO_WORKERS} ({error})") from None
    yield from results


def _try_semaphore() -> None:
    """Raise what keeps joblib from starting processes; else it takes threads, and says nothing."""
    from joblib.externals.loky.backend.context import get_context

    get_context("loky").Lock()
    if importlib.import_module("joblib._multiprocessing_helpers").mp is None:
        raise OSError("there was no semaphore when it was first asked for")
