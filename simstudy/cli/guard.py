"""A word where a user's code ends the command's own process.

Before a user's file is imported the command goes on in a child, and the process that was
started waits for it: where the child ends before the command does, whatever its exit code, this
says whose code was at work and exits 1. A study without a user's code needs no such child.
"""

from __future__ import annotations

import mmap
import os
import signal
import sys
from typing import NoReturn

from simstudy.custom import doing
from simstudy.errors import one_line

_FAILED = 1


def enable() -> None:
    """Have this process guarded from the first import of a user's file on."""
    if hasattr(os, "fork"):
        doing.before_first = _divide


def over(code: int) -> None:
    """Say that the command came to its own end, with this exit code."""
    if doing.page is not None:
        doing.page[:2] = bytes([1, code & 0xFF])


def _divide() -> None:
    """Go on in a child; once a command."""
    if doing.page is not None:
        return
    from simstudy.runner.process import killed_with_parent, let_sigterm_end_children

    doing.page = mmap.mmap(-1, mmap.PAGESIZE)
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    child = os.fork()
    if child:
        _wait(child)
    killed_with_parent()
    if os.getppid() != parent:
        os._exit(_FAILED)
    let_sigterm_end_children()


def _wait(child: int) -> NoReturn:
    """Hand on what ends a command, and end as the child does."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: os.kill(child, number))
    _, status = os.waitpid(child, 0)
    page = doing.page
    assert page is not None
    if page[0]:
        os._exit(page[1])
    code = os.waitstatus_to_exitcode(status)
    how = f"exit code {code}" if code >= 0 else f"signal {-code}, {signal.strsignal(-code)}"
    who = doing.read()
    said = f"{who} ended the process ({how})" if who else f"the process was ended ({how})"
    os.write(2, one_line(f"{said}; what is finished is kept").encode(errors="replace") + b"\n")
    os._exit(_FAILED)
