"""Files that are there whole or not at all.

A file is written under a name of its own in `.work/` and renamed. It is not synced: that
costs a part more than computing it. What a power loss takes from a part shows in its sum
when it is read, and the part is computed again.
"""

from __future__ import annotations

import itertools
import os
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from time import time
from typing import Any

from simstudy.errors import UserError, WorkError

WORK = ".work"  # temporary and set-aside files of a results folder
SET_ASIDE = f"{WORK}/set-aside"
FOLDERS = ("estimates", "failures", "extras", "sources", "report", "report/figures",
            "report/tables", WORK, SET_ASIDE)  # fmt: skip
_OLD = 24 * 3600.0  # seconds after which another machine's temporary file is left over
_numbers = itertools.count()


def replace_file(study_folder: Path, path: Path, *content: Any) -> None:
    """Write bytes to `.work/` in one go and rename, so that `path` is never half a file.

    A link or a folder in its place is set aside. `UserError` where a folder is a link that
    leads out of the results.
    """
    work = study_folder / WORK
    temporary = work / f"{own_name()}-{threading.get_ident()}-{next(_numbers)}"
    refuse_outside(study_folder, work, path.parent)
    try:
        work.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        with temporary.open("xb") as stream:
            for piece in content:
                stream.write(piece)
        make_room(study_folder, path)
        os.replace(temporary, path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise cannot_write(path, error) from None
        raise


def make_room(study_folder: Path, path: Path) -> None:
    """Move what is there instead of a file, a link or a folder, to `.work/set-aside/`."""
    if is_plain(path) or not os.path.lexists(path):
        return
    place = target = study_folder / SET_ASIDE / path.relative_to(study_folder)
    refuse_outside(study_folder, place.parent)
    number = 1
    while os.path.lexists(target):
        number += 1
        target = place.with_name(f"{place.name}.{number}")
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(path, target)


def refuse_links(study_folder: Path) -> None:
    """Refuse results of which a folder is a link that leads out of them."""
    refuse_outside(study_folder, *(study_folder / name for name in FOLDERS))


def refuse_outside(study_folder: Path, *folders: Path) -> None:
    """Refuse to write or delete where a link leads out of the results."""
    home = os.path.realpath(study_folder)
    for folder in folders:
        real = os.path.realpath(folder)
        if real != home and not real.startswith(home + os.sep):
            message = f"leads out of the results, to {real}, where nothing is written or deleted"
            raise UserError(message, file=str(folder))


def is_plain(path: Path) -> bool:
    """Whether a file is there, and neither a link nor a pipe."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False


def cannot_write(path: Path, error: OSError) -> WorkError:
    """Say which file could not be written, and why; a full disk above all."""
    reason = f"{error.strerror or error}; what is finished is kept, the same command goes on"
    return WorkError(f"{path}: cannot be written: {reason}")


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


def tidy(study_folder: Path) -> None:
    """Remove temporary files of processes that are gone."""
    for entry in entries(study_folder / WORK):
        owner = _owner(entry.name)
        if owner is None or entry.is_dir():
            continue
        pid, rest = owner
        here = rest == _host() or rest.startswith(_host() + "-")
        lives = alive(pid) if here else None
        with suppress(OSError):
            if not lives and (lives is False or time() - entry.stat().st_mtime > _OLD):
                os.unlink(entry.path)


def processes(study_folder: Path, ending: str) -> Iterator[tuple[int, int]]:
    """Living processes of this machine, but this one, with a file of this ending in `.work/`.

    Yields
    ------
    tuple
        The file's time in nanoseconds, and the process.
    """
    for entry in entries(study_folder / WORK):
        owner = _owner(entry.name)
        if owner is None or owner[0] == os.getpid() or owner[1] != f"{_host()}-{ending}":
            continue
        with suppress(OSError):
            if alive(owner[0]):
                yield entry.stat().st_mtime_ns, owner[0]


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder; nothing where that cannot be read."""
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []
