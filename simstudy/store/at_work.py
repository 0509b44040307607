"""Which runs work in a results folder: markers of theirs in `.work/`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
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


def processes(folder: ResultsFolder) -> Iterator[int]:
    """Living processes of this machine, but this one, that run the study of a folder."""
    for pid, home in _runs(folder):
        if home == host() and pid != os.getpid() and alive(pid):
            yield pid


def _runs(folder: ResultsFolder) -> Iterator[tuple[int, str]]:
    """Process and machine of every marker of a run."""
    for entry in folder.listed(WORK):
        known = owner(entry.name)
        if known is not None and known[1].endswith(f"-{RUN}"):
            yield known[0], known[1].removesuffix(f"-{RUN}")


@contextmanager
def at_work(folder: ResultsFolder) -> Iterator[Callable[[], bool]]:
    """Say in `.work/` that a run is at work; gives what tells whether others are now.

    A hint, not a lock: of other machines nobody knows whether what left a marker still lives.
    """
    marker = f"{own_name()}-{RUN}"
    folder.write(f"{WORK}/{marker}")
    try:
        yield lambda: any(home != host() for _, home in _runs(folder)) or any(processes(folder))
    finally:
        with suppress(OSError, WorkError):
            folder.remove(f"{WORK}/{marker}")
            tidy(folder)
