"""Ending a call that takes too long.

An alarm raises `TimeoutReached` in the call, again and again while that is caught. Where the
call never comes back to Python, or never lets go, faulthandler's watchdog ends the process;
that only in a process which is nobody's but the run's, where a `Witness` tells it.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import threading
from pathlib import Path
from types import FrameType

from simstudy.custom.loaded import is_ours

MESSAGE = "timeout"  # of a failed row
_AGAIN = 0.1  # seconds between alarms
_GRACE = 2.0  # seconds from the first alarm to the end of the process
_DIGITS = 8  # of the number of a call
_END = b"Timeout ("  # faulthandler's first words


class TimeoutReached(BaseException):
    """A call was given up; no Exception, so that a method that catches those ends too."""


class Witness:
    """A file that says, after a process was ended by its watchdog, which call it was in.

    Parameters
    ----------
    file : Path
    key : str
        Of the work under way.
    stuck : frozenset of int
        Calls, by number, that did end a process: they are given up unmade.
    """

    def __init__(self, file: Path, key: str, stuck: frozenset[int] = frozenset()) -> None:
        self._file, self._key, self.stuck = file, key, stuck
        self.n_calls = 0

    def __enter__(self) -> None:
        global _witness
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self.stream = self._file.open("wb", buffering=0)
        self.stream.write(f"{0:0{_DIGITS}}{self._key}\n".encode())
        _witness = self

    def __exit__(self, *_: object) -> None:
        global _witness
        _witness = None
        self.stream.close()
        self._file.unlink(missing_ok=True)

    def call(self) -> bool:
        """Note that a call begins; whether it is to be made."""
        self.n_calls += 1
        os.pwrite(self.stream.fileno(), f"{self.n_calls:0{_DIGITS}}".encode(), 0)
        return self.n_calls not in self.stuck

    @staticmethod
    def read(file: Path) -> tuple[str, int] | None:
        """Key and number of the call that ended a process; None where none did."""
        head, _, said = file.read_bytes().partition(b"\n")
        if not said.startswith(_END):
            return None
        return head[_DIGITS:].decode(), int(head[:_DIGITS])


_witness: Witness | None = None


def possible() -> bool:
    """Whether a call of this thread can be ended."""
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()


class Deadline:
    """A context that ends what is done in it after so many seconds; None never does."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds if possible() else None

    def __enter__(self) -> None:
        if self._seconds is None:
            return
        if _witness is not None:
            if not _witness.call():
                raise TimeoutReached
            limit = self._seconds + _GRACE
            faulthandler.dump_traceback_later(limit, exit=True, file=_witness.stream)
        signal.signal(signal.SIGALRM, _ring)
        signal.setitimer(signal.ITIMER_REAL, self._seconds, _AGAIN)

    def __exit__(self, *_: object) -> None:
        if self._seconds is not None:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, signal.SIG_IGN)
            faulthandler.cancel_dump_traceback_later()


def _ring(number: int, frame: FrameType | None) -> None:
    """Raise in the user's code alone: not before the call or after it."""
    if frame is not None and not is_ours(frame.f_globals):
        raise TimeoutReached
