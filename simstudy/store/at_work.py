"""Which processes work in a results folder: names and markers of theirs in `.work/`."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from time import time

from simstudy.store.files import cannot_write, entries

RUN = "run"  # ends the name of the file that says that a run is at work
_OLD = 24 * 3600.0  # seconds after which another machine's temporary file is left over


@lru_cache(maxsize=1)
def _host() -> str:
    """Name this machine, and the space of process ids where it has several."""
    name = "".join(c for c in socket.gethostname() if c.isalnum() or c in "._")[:64]
    with suppress(OSError):
        name += f".{os.stat('/proc/self/ns/pid').st_ino}"
    return name or "host"


def own_name() -> str:
    """Begins the names of this process's temporary files; no other process has it."""
    return f"{os.getpid()}-{_host()}"


def _owner(name: str) -> tuple[int, str] | None:
    """Process id and host of a temporary file's name."""
    pid, _, rest = name.partition("-")
    return (int(pid), rest) if pid.isdecimal() else None


def alive(pid: int) -> bool | None:
    """Whether a process of this machine lives; None where that cannot be known."""
    if os.name != "posix":
        return None  # there os.kill would end it
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    with suppress(OSError, IndexError):
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return state.rpartition(")")[2].split()[0] not in "ZX"
    return True


def tidy(work: Path) -> None:
    """Remove temporary files of processes that are gone."""
    for entry in entries(work):
        owner = _owner(entry.name)
        if owner is None or entry.is_dir():
            continue
        pid, rest = owner
        here = rest == _host() or rest.startswith(_host() + "-")
        lives = alive(pid) if here else None
        with suppress(OSError):
            if not lives and (lives is False or time() - entry.stat().st_mtime > _OLD):
                os.unlink(entry.path)


def processes(work: Path, ending: str) -> Iterator[tuple[int, int]]:
    """Living processes of this machine, but this one, with a file of this ending in `.work/`.

    Yields
    ------
    tuple
        The file's time in nanoseconds, and the process.
    """
    for entry in entries(work):
        owner = _owner(entry.name)
        if owner is None or owner[0] == os.getpid() or owner[1] != f"{_host()}-{ending}":
            continue
        with suppress(OSError):
            if alive(owner[0]):
                yield entry.stat().st_mtime_ns, owner[0]


@contextmanager
def at_work(work: Path) -> Iterator[bool]:
    """Say in `.work/` that a run is at work; whether an earlier one is. A hint, not a lock."""
    marker = work / f"{own_name()}-{RUN}"
    try:
        marker.touch()  # first: of two runs that begin together, one sees the other as earlier
        own = marker.stat().st_mtime_ns, os.getpid()
        yield any(other < own for other in processes(work, RUN))
    except OSError as error:
        if error.filename == str(marker):
            raise cannot_write(marker, error) from None
        raise
    finally:
        with suppress(OSError):
            marker.unlink(missing_ok=True)
        tidy(work)
