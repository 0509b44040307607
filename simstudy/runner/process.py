"""What a process that simulates needs: cores, threads, memory.

Parent and workers call `settle` before they work; a worker calls `follow` when it starts.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from multiprocessing import util
from typing import NoReturn

import numpy as np

_RETAINED = 31 * 2**17  # doubles: just under glibc's limit of 32 MB
_TRIM, _M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = "MALLOC_TRIM_THRESHOLD_", -1, -3
_PR_SET_PDEATHSIG = 1
_HELD = ("SIGINT", "SIGTERM")
_parent: int | None = None  # of a worker


@lru_cache(maxsize=1)
def settle() -> None:
    """Keep memory between operations, and Arrow to one thread; once a process.

    glibc maps arrays above 128 KB afresh at every operation, and gives the top of its heap
    back as often, until a larger array has been freed once: page faults then cost more than
    the arithmetic. The array made here is never touched, so it takes no memory. Where the
    environment fixes what is given back, as dask does for its workers, glibc learns nothing
    from an array, and is told.
    """
    import pyarrow as pa

    np.empty(_RETAINED)
    if _TRIM in os.environ and sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):
            for what in (_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD):
                ctypes.CDLL(None).mallopt(what, _RETAINED * 8)
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)


def cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def follow(parent: int, from_main_thread: bool) -> None:
    """Make this worker end with its parent, however that ends.

    Linux sees to it, but takes the end of the thread that started a worker for the parent's;
    so for other threads, and on other systems, the worker looks every second.
    """
    global _parent
    _parent = parent
    _silence()
    # joblib's own, which the processes that a method starts do not know
    multiprocessing.set_start_method(None, force=True)
    util.Finalize(None, end_now, exitpriority=0)  # no thread that a method left is waited for
    if hasattr(signal, "pthread_sigmask"):  # held back while the parent started workers
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    if not (from_main_thread and killed_with_parent()):
        threading.Thread(target=_look, daemon=True).start()
    end_if_orphaned()


def is_worker() -> bool:
    """Whether this process is nobody's but a run's."""
    return _parent is not None


def _silence() -> None:
    """What a method's libraries and processes print, past Python, goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(nowhere, number)
    os.close(nowhere)


def end_now(code: int = 0) -> NoReturn:
    """End this process and those that a method left behind; their threads go with them."""
    for child in multiprocessing.active_children():
        child.terminate()
    os._exit(code)


def killed_with_parent() -> bool:
    """Have this process killed when its parent ends; whether the system does that.

    Linux takes the end of the thread that started this process for the parent's.
    """
    if sys.platform != "linux":
        return False
    import ctypes

    with suppress(OSError, AttributeError):
        return ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) == 0
    return False


def let_sigterm_end_children() -> None:
    """Have processes that are forked from this one end by SIGTERM, as Python's own do.

    A handler of Python's is inherited, but a signal that comes before the child is Python again
    is forgotten there: `multiprocessing.Pool` would wait for ever for the worker that it ended.
    """
    ours, held = signal.getsignal(signal.SIGTERM), threading.local()

    def hold() -> None:
        held.before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def release() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, held.before)

    def end() -> None:
        if signal.getsignal(signal.SIGTERM) is ours:  # and none of the method's
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        release()

    os.register_at_fork(before=hold, after_in_parent=release, after_in_child=end)


def _look() -> None:
    while True:
        time.sleep(1.0)
        end_if_orphaned()


def end_if_orphaned() -> None:
    """End this worker if its parent is gone: nobody waits for what it would write."""
    if _parent is not None and os.name == "posix" and os.getppid() != _parent:
        os._exit(1)


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
