"""Which runs work in a results folder: markers of theirs in `.work/`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import time

from simstudy.errors import WorkError
from simstudy.store.processes import alive, host, own_name, owner
from simstudy.store.results_folder import WORK, ResultsFolder

RUN = "run"  # ends the name of the file that says that a run is at work
_OLD = 24 * 3600.0  # seconds after which another machine's temporary file is left over


def tidy(folder: ResultsFolder) -> None:
    """Remove temporary files of processes that are gone."""
    for entry in folder.listed(WORK):
        known = owner(entry.name)
        if known is None or not entry.plain:
            continue
        pid, rest = known
        here = rest == host() or rest.startswith(host() + "-")
        lives = alive(pid) if here else None
        if not lives and (lives is False or time() - entry.time / 1e9 > _OLD):
            with suppress(OSError):
                folder.remove(f"{WORK}/{entry.name}")


def processes(folder: ResultsFolder, ending: str) -> Iterator[tuple[int, int]]:
    """Living processes of this machine, but this one, with a file of this ending in `.work/`.

    Yields
    ------
    tuple
        The file's time in nanoseconds, and the process.
    """
    for entry in folder.listed(WORK):
        known = owner(entry.name)
        if known is None or known[0] == os.getpid() or known[1] != f"{host()}-{ending}":
            continue
        if alive(known[0]):
            yield entry.time, known[0]


@contextmanager
def at_work(folder: ResultsFolder) -> Iterator[bool]:
    """Say in `.work/` that a run is at work; whether an earlier one is. A hint, not a lock."""
    marker = f"{own_name()}-{RUN}"
    folder.write(f"{WORK}/{marker}")
    try:
        own = {entry.name: entry.time for entry in folder.listed(WORK)}.get(marker, 0)
        others = processes(folder, RUN)
        yield any(other < (own, os.getpid()) for other in others)
    finally:
        with suppress(OSError, WorkError):
            folder.remove(f"{WORK}/{marker}")
            tidy(folder)
