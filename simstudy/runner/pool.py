"""Calls in other processes, which end with this one."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import re
import signal
import threading
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from simstudy.runner.process import end_now, follow

LOST = (BrokenExecutor, MemoryError)  # what a worker's end looks like from here
_NO_WORKERS = "worker processes cannot be started"
_HELD = ("SIGINT", "SIGTERM")


class NoWorkersError(BrokenExecutor):
    """No worker can be started on this machine as it is; says why."""


def _try_semaphore() -> None:
    """Raise what keeps joblib from starting processes; else it takes threads, and says nothing."""
    from joblib.externals.loky.backend.context import get_context

    get_context("loky").Lock()
    if importlib.import_module("joblib._multiprocessing_helpers").mp is None:
        raise OSError("there was no semaphore when it was first asked for")


def parallel(jobs: int, calls: Iterable[tuple[Any, ...]], backend: str = "loky") -> Iterator[Any]:
    """Do (function, *arguments) calls in workers; results as they come.

    BLAS and OpenMP keep to one thread a worker. Where a worker dies, one of `LOST` is raised.
    """
    warnings.filterwarnings("ignore", ".*joblib will operate in serial mode", UserWarning)
    import joblib

    # loky replaces a worker whose memory grew, which changes nothing here
    warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
    warnings.filterwarnings("ignore", ".* tasks which were still being processed", UserWarning)
    own: dict[str, Any] = {}
    if backend == "loky":
        try:
            _try_semaphore()
        except (ImportError, OSError) as error:
            raise NoWorkersError(f"{_NO_WORKERS} ({error})") from None
        main = threading.current_thread() is threading.main_thread()
        own = {"initializer": follow, "initargs": (os.getpid(), main)}
    with joblib.parallel_config(backend=backend, inner_max_num_threads=1 if own else None):
        pool = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1, **own)
        with uninterrupted():  # workers start deaf to Ctrl-C; the parent hears it and ends them
            try:
                results = pool(joblib.delayed(function)(*given) for function, *given in calls)
            except OSError as error:
                raise NoWorkersError(f"{_NO_WORKERS} ({error})") from None
    yield from results


class Apart:
    """Calls one after another in a process of their own, which is forked from this one.

    So a method that ends its process does not end the run, at a hundredth of what a worker
    costs that starts anew. Where it ends, one of `LOST` is raised, and the next call forks again.
    """

    def __init__(self) -> None:
        self._pid = 0
        self._connection: Any = None

    def call(self, function: Any, *arguments: Any) -> Any:
        """Do one call there."""
        if not self._pid:
            self._start()
        try:
            self._connection.send((function, *arguments))
            done, result = self._connection.recv()
        except (EOFError, OSError):
            raise BrokenExecutor(f"{{{self._reaped()}}}") from None
        if done:
            return result
        raise result

    def _start(self) -> None:
        parent = os.getpid()
        self._connection, theirs = multiprocessing.Pipe()
        with uninterrupted(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # 3.12: there are threads
            self._pid = os.fork()
            if not self._pid:
                try:
                    self._connection.close()
                    _serve(theirs, parent)
                finally:
                    os._exit(1)
        theirs.close()

    def _reaped(self) -> str:
        """How the process ended, as joblib says it."""
        _, status = os.waitpid(self._pid, 0)
        self._pid = 0
        self._connection.close()
        code = os.waitstatus_to_exitcode(status)
        return f"{signal.Signals(-code).name}({code})" if code < 0 else f"EXIT({code})"

    def close(self) -> None:
        """End the process."""
        if self._pid:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            self._reaped()


def _serve(connection: Any, parent: int) -> NoReturn:
    """Do what comes through a pipe, until nobody is at its other end."""
    follow(parent, from_main_thread=threading.current_thread() is threading.main_thread())
    while True:
        try:
            function, *arguments = connection.recv()
        except EOFError:
            end_now()
        try:
            answer = True, function(*arguments)
        except BaseException as error:
            answer = False, error
        connection.send(answer)


def how(error: BaseException) -> str:
    """How a worker was lost, in a few words."""
    if isinstance(error, MemoryError):
        return "a worker ran out of memory"
    reason = re.search(r"\{(.*)\}", str(error), re.DOTALL)
    code = f" ({' '.join(reason[1].split())})" if reason else ""
    if "SIGKILL" in code or not code:
        return f"a worker was killed{code}; the system does that when memory runs out"
    return f"a worker ended{code}"


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back for a moment; processes started meanwhile start deaf."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # the start of a resource tracker, Python's or loky's, lets Ctrl-C through: start them first
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()
    with suppress(ImportError, AttributeError):
        from joblib.externals.loky.backend import resource_tracker as loky_tracker

        loky_tracker.ensure_running()
    held = {getattr(signal, name) for name in _HELD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
