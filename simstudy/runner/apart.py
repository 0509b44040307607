"""A process of their own for calls of a user's code, which ends with this one."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import threading
import warnings
from contextlib import suppress
from typing import Any, NoReturn

from simstudy.runner.backends._backend import LostError
from simstudy.runner.process import end_now, follow, uninterrupted


class Apart:
    """Calls one after another in a process of their own, which is forked from this one.

    So a method that ends its process does not end the run, at a hundredth of what a worker
    costs that starts anew. Where it ends, `LostError` is raised, and the next call forks again.
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
            raise LostError(how_it_ended(f"{{{self._reaped()}}}")) from None
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


def how_it_ended(said: object) -> str:
    """How a worker was lost, in a few words, by what joblib says of it."""
    reason = re.search(r"\{(.*)\}", str(said), re.DOTALL)
    code = f" ({' '.join(reason[1].split())})" if reason else ""
    if "SIGKILL" in code or not code:
        return f"a worker was killed{code}; the system does that when memory runs out"
    return f"a worker ended{code}"
