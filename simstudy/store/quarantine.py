"""Results moved out of the way, never deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from simstudy.errors import UserError
from simstudy.store import at_work, failures, parts, totals_file
from simstudy.store.names import PartName, parse
from simstudy.store.results_folder import BESIDE, ESTIMATES, SET_ASIDE, TOTALS, ResultsFolder


def set_aside(folder: ResultsFolder, name: str, kind: str = ESTIMATES) -> None:
    """Move a file of rows, and what lies beside it, or one of totals into `.work/set-aside/`."""
    beside = BESIDE if kind == ESTIMATES else ()
    folder.set_aside(*(f"{of}/{name}" for of in (kind, *beside)))


def clear(folder: ResultsFolder, warn: Callable[[str], None]) -> None:
    """Leave nothing but parts in `estimates/` and `totals/`, and no leftover in `.work/`."""
    folder.refuse_links()
    at_work.tidy(folder)
    there = [(kind, name) for kind in (ESTIMATES, TOTALS) for name in folder.names(kind)]
    for kind, name in there:
        if parse(name) is None and not name.startswith(".nfs"):
            set_aside(folder, name, kind)
            file = folder.shown(f"{kind}/{name}")
            warn(f"{file}: is not a part; moved to {folder.shown(SET_ASIDE)}")


def set_broken_aside(folder: ResultsFolder, whose: parts.Whose, warn: Callable[[str], None]) -> int:
    """Set aside every part that is not what its name says; how many there were."""
    n_broken = 0
    for part, error in broken(folder, whose):
        set_aside(folder, str(part), TOTALS if part.totals else ESTIMATES)
        place = folder.shown(SET_ASIDE)
        warn(f"{error.file}: {error.reason}; moved to {place}, computed again")
        n_broken += 1
    return n_broken


def broken(
    folder: ResultsFolder, whose: parts.Whose, listed: Iterable[PartName] | None = None
) -> Iterator[tuple[PartName, parts.BrokenPartError]]:
    """Parts, of these or of all, that are not what their names say, or lost what lay beside."""
    for part in folder.held() if listed is None else listed:
        try:
            if part.totals:
                totals_file.read(folder, part, whose)
                continue
            stored = parts.checked(folder, part, ("status",), whose)
            failures.verify(folder, part, footer=stored.footer)
        except parts.BrokenPartError as error:
            yield part, error


def move_away(folder: ResultsFolder) -> str | None:
    """Move a study's results to the next free NAME.1, NAME.2, ...; None where there are none."""
    for pid in at_work.processes(folder):
        message = f"process {pid} is running this study; stop it before --fresh"
        raise UserError(message, file=str(folder))
    return folder.files.move_away()
