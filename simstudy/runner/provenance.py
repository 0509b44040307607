"""Room 4: where results come from: versions, machine, commit. Imports the package's version."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path
from typing import Any

import numpy
import scipy

from simstudy import __version__
from simstudy.study.study import Study


def provenance(study: Study) -> dict[str, Any]:
    """What every part's footer says of the run that made it."""
    return {
        "seed": study.seed,
        "simstudy": __version__,
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
        "python": platform.python_version(),
        "cpu": cpu(),
        "git_commit": git_commit(study.folder),
    }


def cpu() -> str:
    """Kind of CPU, which decides the last bits of logarithms."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return f"{platform.machine()} {line.partition(':')[2].strip()}"
    except OSError:
        pass
    return f"{platform.machine()} {platform.processor()}".strip()


def git_commit(folder: Path) -> str | None:
    """Commit of the folder's repository, or None where there is none."""
    if not any((parent / ".git").exists() for parent in (folder, *folder.parents)):
        return None
    command = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
