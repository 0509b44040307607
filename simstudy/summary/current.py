"""Whether a stored summary is still that of its parts.

A finished study then starts without reading its rows: names, sizes and times of its parts
are those the summary was made from, by the code that is here.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy
import scipy

from simstudy.errors import UserError
from simstudy.measures.own import REGISTERED
from simstudy.store import parts, quarantine, realized_file, results_folder, study_file
from simstudy.store.filesystem import NotPlainError
from simstudy.store.names import parse
from simstudy.store.results_folder import ResultsFolder
from simstudy.store.summary_file import BrokenSummaryError, read_summary, summary_mark
from simstudy.study.precision import Stop
from simstudy.study.study import Study

_FILES = (
    results_folder.STUDY,
    results_folder.SCENARIOS,
    results_folder.SUMMARY_CSV,
    results_folder.ALL_WARNINGS,
)
_KINDS = (results_folder.ESTIMATES, *results_folder.BESIDE, results_folder.TOTALS)


def mark(study: Study, folder: ResultsFolder) -> dict[str, Any]:
    """What a summary of this study would be made from, now.

    `boot` tells the time since which nothing can have been lost: what was in memory at a power
    loss may be missing from files whose size and time are right. `rows` is of the names of the
    parts alone, which say what rows are in them, wherever the folder is copied to.
    """
    found = hashlib.sha256(_code())
    found.update(study_file.text(study, folder).encode())
    listed = [_listing(folder, kind) for kind in _KINDS]
    computed = [one.source.trusted for one in study.measures]  # or as stored, or left out
    found.update(repr((listed, sorted(REGISTERED), computed)).encode())
    found.update(repr(sorted(realized_file.read(folder).items())).encode())
    return {"digest": found.hexdigest(), "boot": folder.files.since(), "rows": _rows(folder, study)}


def is_current(study: Study, folder: ResultsFolder, now: dict[str, Any]) -> bool:
    """Whether the stored summary was made from what is there now, since the machine started.

    `BrokenPartError` where a part was damaged by its end.
    """
    if REGISTERED:  # a function's name says nothing of its code
        return False
    stored = summary_mark(folder)
    if stored.get("digest") != now["digest"] or changed(folder, stored):
        return False
    if stored.get("boot") == now["boot"]:
        return True
    for _, error in quarantine.broken(folder, parts.Whose.of(study)):
        raise error
    return False


def summary_of_rows(study: Study, folder: ResultsFolder) -> Any:
    """The stored summary, a table, if it is whole and of the study and rows that are there."""
    try:
        found = read_summary(folder)
    except (UserError, BrokenSummaryError):
        return None
    same = found.sure and found.mark.get("rows") == _rows(folder, study)
    return found.table if same and results_folder.STUDY not in changed(folder, found.mark) else None


def mark_of_rows(study: Study, folder: ResultsFolder) -> dict[str, Any]:
    """What the stored summary says it was made from, if of this study and the rows that are there.

    Else nothing.
    """
    made = summary_mark(folder)
    written, text = made.get("digests"), study_file.text(study, folder).encode()
    if not isinstance(written, dict) or made.get("rows") != _rows(folder, study):
        return {}
    same = written.get(results_folder.STUDY) == hashlib.sha256(text).hexdigest()
    return made if same else {}


def kept_stops(study: Study, folder: ResultsFolder) -> dict[str, Stop]:
    """Where scenarios stop, as it was found when the stored summary was made.

    Nothing where that was of another study or of other rows, or did not say it of all; numbers
    at which nobody looks are a stranger's.
    """
    rule, made = study.precision, mark_of_rows(study, folder)
    try:
        stops = {str(name): Stop(int(n), str(by)) for name, (n, by) in made["stops"].items()}
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return {}
    whole = all(rule and rule.reaching(n_reps) == n_reps and by for n_reps, by in stops.values())
    return stops if whole and stops.keys() == {design.id for design in study.designs} else {}


def _rows(folder: ResultsFolder, study: Study) -> str:
    held = [folder.of_part(part) if part.totals else str(part) for part in folder.held()]
    names = sorted(held)
    return hashlib.sha256(repr((study.replications, names)).encode()).hexdigest()


def _listing(folder: ResultsFolder, kind: str) -> list[tuple[str, int, int]]:
    """Name, size and time of every part, of a link its own."""
    return [entry[:3] for entry in folder.listed(kind) if parse(entry.name) is not None]


def digests(folder: ResultsFolder) -> dict[str, str | None]:
    """Of the files that belong to a summary; None for what is no file."""
    return {name: _digest(folder, name) for name in _FILES}


def _digest(folder: ResultsFolder, name: str) -> str | None:
    with suppress(FileNotFoundError, NotPlainError):
        return hashlib.sha256(folder.read(name)).hexdigest()
    return None


def changed(folder: ResultsFolder, mark: dict[str, Any]) -> list[str]:
    """Files that are not what they were when the summary was written that has this mark."""
    written = mark.get("digests")
    there = digests(folder)
    return [n for n in _FILES if not isinstance(written, dict) or written.get(n) != there[n]]


@lru_cache(maxsize=1)
def _code() -> bytes:
    """Digest of the code that summarises."""
    found = hashlib.sha256(f"{numpy.__version__} {scipy.__version__}".encode())
    package = Path(__file__).resolve().parents[1]
    for file in sorted(package.rglob("*.py")):
        found.update(file.read_bytes())
    return found.digest()
