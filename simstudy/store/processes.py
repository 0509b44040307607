"""Processes of this machine and others, as the names of their temporary files tell them."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=1)
def host() -> str:
    """Name this machine, and the space of process ids where it has several."""
    name = "".join(c for c in socket.gethostname() if c.isalnum() or c in "._")[:64]
    with suppress(OSError):
        name += f".{os.stat('/proc/self/ns/pid').st_ino}"
    return name or "host"


def own_name() -> str:
    """Begins the names of this process's temporary files; no other process has it."""
    return f"{os.getpid()}-{host()}"


def owner(name: str) -> tuple[int, str] | None:
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
