"""Room 3: writing a file whole or not at all. Imports nothing of the package."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

WORK = ".work"  # temporary and set-aside files of a results folder


def replace_file(study_folder: Path, path: Path, content: Any) -> None:
    """Write bytes to `.work/` in one go and rename, so that `path` is never half a file."""
    work = study_folder / WORK
    work.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = work / f"{os.getpid()}-{path.name}"
    with temporary.open("wb") as stream:
        stream.write(content)
    os.replace(temporary, path)
