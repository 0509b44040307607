"""Results moved out of the way, never deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from simstudy.errors import UserError
from simstudy.store import at_work, failures, parts
from simstudy.store.names import PartName, parse
from simstudy.store.results_folder import BESIDE, ESTIMATES, SET_ASIDE, ResultsFolder


def set_aside(folder: ResultsFolder, name: str) -> None:
    """Move a file out of `estimates/`, and what lies beside it, into `.work/set-aside/`."""
    folder.set_aside(*(f"{kind}/{name}" for kind in (ESTIMATES, *BESIDE)))


def clear(folder: ResultsFolder, warn: Callable[[str], None]) -> None:
    """Leave nothing but parts in `estimates/`, and no leftover in `.work/`."""
    folder.refuse_links()
    at_work.tidy(folder)
    for name in folder.names(ESTIMATES):
        if parse(name) is None and not name.startswith(".nfs"):
            set_aside(folder, name)
            file = folder.shown(f"{ESTIMATES}/{name}")
            warn(f"{file}: is not a part; moved to {folder.shown(SET_ASIDE)}")


def set_broken_aside(folder: ResultsFolder, whose: parts.Whose, warn: Callable[[str], None]) -> int:
    """Set aside every part that is not what its name says; how many there were."""
    n_broken = 0
    for part, error in broken(folder, whose):
        set_aside(folder, str(part))
        place = folder.shown(SET_ASIDE)
        warn(f"{error.file}: {error.reason}; moved to {place}, computed again")
        n_broken += 1
    return n_broken


def broken(
    folder: ResultsFolder, whose: parts.Whose, listed: Iterable[PartName] | None = None
) -> Iterator[tuple[PartName, parts.BrokenPartError]]:
    """Parts, of these or of all, that are not what their names say, or lost what lay beside."""
    for part in folder.parts() if listed is None else listed:
        try:
            stored = parts.checked(folder, part, ("status",), whose)
            failures.verify(folder, part, footer=stored.footer)
        except parts.BrokenPartError as error:
            yield part, error


def move_away(folder: ResultsFolder) -> str | None:
    """Move a study's results to the next free NAME.1, NAME.2, ...; None where there are none."""
    for _, pid in at_work.processes(folder, at_work.RUN):
        message = f"process {pid} is running this study; stop it before --fresh"
        raise UserError(message, file=str(folder))
    return folder.files.move_away()
