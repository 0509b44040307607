"""Plain files, and what is said where one cannot be written."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from simstudy.errors import WorkError


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


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder; nothing where that cannot be read."""
    try:
        with os.scandir(folder) as listed:
            return list(listed)
    except OSError:
        return []
