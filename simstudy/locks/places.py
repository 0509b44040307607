"""Where locks lie: beside the study file, and in the results folder as the study was run."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from simstudy.errors import UserError
from simstudy.locks.lock import Lock, text_of
from simstudy.locks.read import lock_in
from simstudy.store.filesystem import NotPlainError
from simstudy.store.results_folder import LOCK, ResultsFolder
from simstudy.study import yaml_lines

_ENDING = ".lock.yaml"


def beside(config: str | Path) -> Path:
    """Where the lock of a study file lies, or would."""
    return Path(config).with_suffix(_ENDING)


def of_config(config: str | Path) -> Lock | None:
    """The lock beside a study file; `UserError` where that is none."""
    file = beside(config)
    return lock_in(yaml_lines.read(file)) if os.path.lexists(file) else None


def at_hand(config: str | Path | None, folder: ResultsFolder, fresh: bool) -> Lock | None:
    """The lock of a study that is to be run: beside its file, or else with earlier results."""
    found = None if config is None else of_config(config)
    return stored(folder) if found is None and not fresh else found


def write(lock: Lock, config: str | Path) -> Path | None:
    """Write a lock beside a study file; an earlier one gets the next free name, which is returned.

    Raises
    ------
    UserError
        Where it is larger than what is read of any file.
    """
    file, content = beside(config), text_of(lock).encode()
    if len(content) > yaml_lines.MOST_BYTES:
        message = f"the lock of {len(lock.plan.scenarios):,} scenarios would be larger than the"
        raise UserError(f"{message} {yaml_lines.MOST_BYTES:,} bytes that are read", file=str(file))
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        moved = _moved_aside(file) if os.path.lexists(file) else None
        os.replace(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)
    return moved


def _moved_aside(file: Path) -> Path:
    stem, number = file.name.removesuffix(_ENDING), 1
    while os.path.lexists(target := file.with_name(f"{stem}.lock.{number}.yaml")):
        number += 1
    return file.rename(target)


def stored(folder: ResultsFolder) -> Lock | None:
    """The lock that results were made under, as it is stored with them; `UserError` as above."""
    with suppress(FileNotFoundError, NotPlainError):
        content = folder.read_end(LOCK, yaml_lines.MOST_BYTES + 1)
        return lock_in(yaml_lines.decoded(content, folder.shown(LOCK)))
    return None


def store(lock: Lock, folder: ResultsFolder) -> None:
    """Keep a lock with the results of its study; another one that was there is set aside."""
    content = text_of(lock).encode()
    with suppress(OSError):
        if folder.read(LOCK) == content:
            return
    folder.set_aside(LOCK)
    folder.write(LOCK, content)


def bring(folders: Iterable[ResultsFolder], into: ResultsFolder) -> list[str]:
    """Keep the first lock of several folders of one study in another; a line for each other one."""
    kept, lines = stored(into), []
    for folder in folders:
        lock = stored(folder)
        if kept is None and lock is not None:
            kept = lock
            store(lock, into)
        elif lock is not None and kept is not None and lock != kept:
            lines.append(f"{folder}: its lock of {lock.day} (digest {lock.mark}) is not that of "
                         f"{into}, which stays")  # fmt: skip
    return lines
