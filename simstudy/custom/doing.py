"""What of a user's code this process runs, for who outlives it.

A function that ends its process leaves no other word. The command line puts a page that it
shares with another process here, and is told before a user's code runs for the first time.
"""

from __future__ import annotations

import mmap
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from weakref import WeakSet

page: mmap.mmap | None = None
before_first: Callable[[], object] = str  # nothing
threads: WeakSet[threading.Thread] = WeakSet()  # that outlived what started them
_LONGEST = 2000  # bytes


@contextmanager
def now(what: str) -> Iterator[None]:
    """Say what is done here, until it is done."""
    if page is None:
        yield
        return
    before = read()
    _write(what)
    try:
        yield
    finally:
        _write(before)


@contextmanager
def threads_noted() -> Iterator[list[threading.Thread]]:
    """Note what threads outlive what is done here; they are in the list at its end."""
    before, left = threading.enumerate(), list[threading.Thread]()
    try:
        yield left
    finally:
        if threading.active_count() > len(before):
            left += [thread for thread in threading.enumerate() if thread not in before]
            threads.update(left)


def read() -> str:
    """What was done last and did not end; empty where nothing was."""
    return "" if page is None else page[2:].split(b"\0", 1)[0].decode("utf-8", "replace")


def _write(what: str) -> None:
    if page is not None:
        content = what.encode("utf-8", "replace")[:_LONGEST]
        page[2 : 3 + len(content)] = content + b"\0"
