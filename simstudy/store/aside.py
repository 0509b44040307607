"""Results moved out of the way, never deleted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from simstudy.errors import UserError
from simstudy.store import beside, files, parts
from simstudy.store.names import PartName, parse

_KINDS = ("estimates", *beside.KINDS)
_RUN = "run"  # ends the name of the file that says that a run is at work


def set_aside(study_folder: Path, name: str) -> None:
    """Move a file out of `estimates/`, and what lies beside it, into `.work/set-aside/`."""
    kinds = [kind for kind in _KINDS if os.path.lexists(study_folder / kind / name)]
    files.refuse_links(study_folder)
    target, number = _place(study_folder), 1
    while any(os.path.lexists(target / kind / name) for kind in kinds):
        number += 1
        target = _place(study_folder) / str(number)
    for kind in kinds:
        (target / kind).mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # another run of the same study was quicker
            os.replace(study_folder / kind / name, target / kind / name)


def set_summary_aside(study_folder: Path, names: Sequence[str]) -> Path | None:
    """Move a summary's files into `.work/set-aside/`; where to, None where there are none."""
    there = [name for name in names if os.path.lexists(study_folder / name)]
    files.refuse_links(study_folder)
    target, number = _place(study_folder), 1
    while any(os.path.lexists(target / name) for name in there):
        number += 1
        target = _place(study_folder) / str(number)
    for name in there:
        target.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            os.replace(study_folder / name, target / name)
    return target if there else None


def clear(study_folder: Path, warn: Callable[[str], None]) -> None:
    """Leave nothing but parts in `estimates/`, and no leftover in `.work/`."""
    files.refuse_links(study_folder)
    files.tidy(study_folder)
    folder = parts.estimates_folder(study_folder)
    for name in sorted(os.listdir(folder)):
        if parse(name) is None and not name.startswith(".nfs"):
            set_aside(study_folder, name)
            warn(f"{folder / name}: is not a part; moved to {_place(study_folder)}")


def set_broken_aside(study_folder: Path, whose: parts.Whose, warn: Callable[[str], None]) -> int:
    """Set aside every part that is not what its name says; how many there were."""
    found = 0
    for part, error in broken(study_folder, whose):
        set_aside(study_folder, str(part))
        warn(f"{error.file}: {error.reason}; moved to {_place(study_folder)}, computed again")
        found += 1
    return found


def broken(
    study_folder: Path, whose: parts.Whose
) -> Iterator[tuple[PartName, parts.BrokenPartError]]:
    """Parts that are not what their names say, or lost what lay beside them, and why."""
    for part in parts.listing(study_folder):
        try:
            parts.verify(study_folder, part, whose)
            beside.verify(study_folder, part)
        except parts.BrokenPartError as error:
            yield part, error


def _place(study_folder: Path) -> Path:
    return study_folder / files.SET_ASIDE


@contextmanager
def at_work(study_folder: Path) -> Iterator[bool]:
    """Say in `.work/` that a run is at work; whether an earlier one is. A hint, not a lock."""
    mine = study_folder / files.WORK / f"{files.own_name()}-{_RUN}"
    try:
        mine.touch()  # first: of two runs that begin together, one sees the other as earlier
        own = mine.stat().st_mtime_ns, os.getpid()
        yield any(other < own for other in files.processes(study_folder, _RUN))
    except OSError as error:
        if error.filename == str(mine):
            raise files.cannot_write(mine, error) from None
        raise
    finally:
        with suppress(OSError):
            mine.unlink(missing_ok=True)
        files.tidy(study_folder)


def move_away(study_folder: Path) -> Path | None:
    """Move a study's results to the next free NAME.1, NAME.2, ...; None where there are none."""
    if not study_folder.exists():
        return None
    for _, pid in files.processes(study_folder, _RUN):
        message = f"process {pid} is running this study; stop it before --fresh"
        raise UserError(message, file=str(study_folder))
    number = 1
    while (target := study_folder.with_name(f"{study_folder.name}.{number}")).exists():
        number += 1
    try:
        os.rename(study_folder, target)
    except OSError as error:
        raise UserError(f"cannot be moved: {error.strerror}", file=str(study_folder)) from None
    return target
