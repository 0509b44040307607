"""How a study stands to its lock: which was first, the lock or the results, and what deviates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from simstudy.errors import one_line
from simstudy.locks import places
from simstudy.locks.deviations import deviations, other_versions
from simstudy.locks.lock import Lock, day
from simstudy.locks.plan import plan_of
from simstudy.runner.runlog import Logs
from simstudy.runner.shards import n_missing
from simstudy.store.makers import makers
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.study import Study


@dataclass(frozen=True, slots=True)
class Standing:
    """A lock, and what became of what it holds.

    Attributes
    ----------
    lock : Lock
    first : bool or None
        Whether the study was locked before its first result was stored; None where nobody knows.
    begun : str
        The day of the first result, where a log tells; else empty.
    deviations : tuple of str
        In words, each.
    """

    lock: Lock
    first: bool | None
    begun: str
    deviations: tuple[str, ...]

    @property
    def line(self) -> str:
        """When it was locked, and how many deviations there are."""
        n = len(self.deviations)
        found = f"{n} deviation{'s' * (n > 1)} from the plan" if n else "no deviation from the plan"
        return f"locked on {self.lock.day} (digest {self.lock.mark}), {self._order}: {found}"

    @property
    def _order(self) -> str:
        if self.first is None:
            return "it is not known whether before the first result"
        return f"{'before' if self.first else 'after'} the first result"

    @property
    def warnings(self) -> list[str]:
        """A line for everything that is not as it should be with a lock."""
        told = [f"deviates from the lock of {self.lock.day}: {one}" for one in self.deviations]
        if self.first is False:
            n, day = self.lock.stored, f" (of {self.begun})" if self.begun else ""
            were = f"{n:,} fits were" if n else f"the first results{day} were"
            told.append(f"the lock of {self.lock.day} was written when {were} stored already")
        return told


def standing(study: Study, folder: ResultsFolder, whole: bool = True) -> Standing | None:
    """How results stand to the lock that is stored with them; None where none is.

    Parameters
    ----------
    whole : bool
        Whether all of the study is to be there, so that what is missing deviates.
    """
    lock = places.stored(folder)
    if lock is None:
        return None
    found = against(lock, study, folder, makers(study, folder))
    lacking = n_missing(study, folder.held()) if whole else 0
    more = (f"{lacking:,} of {study.n_fits:,} fits are not computed",) if lacking else ()
    return Standing(lock, found.first, found.begun, found.deviations + more)


def against(
    lock: Lock, study: Study, folder: ResultsFolder, made: Iterable[Mapping[str, Any]]
) -> Standing:
    """How a study stands to a lock, `made` being the software that makes its rows."""
    begun, logged = _logged(folder)
    n_stored = sum(part.n_rows for part in folder.held())
    if lock.stored or (begun is not None and begun < lock.at):
        first: bool | None = False
    else:  # rows of which no log tells may come from elsewhere, made at any time
        first = True if n_stored <= logged else None
    flat = [{**one, **one.get("packages", {})} for one in made]
    found = [*deviations(lock.plan, plan_of(study)), *other_versions(lock.versions, flat)]
    told = tuple(map(one_line, found))  # of texts that a stranger may have written
    return Standing(lock, first, "" if begun is None else day(begun), told)


def _logged(folder: ResultsFolder) -> tuple[datetime | None, float]:
    """When the first range was stored of which a log tells, and how many fits logs tell of."""
    first, n_fits = None, 0.0
    for _, entry in Logs(folder).new():
        with suppress(KeyError, TypeError, ValueError, OverflowError):  # a hand wrote it
            if entry["event"] == "range" and entry["new"]:
                at = datetime.fromisoformat(entry["time"]).astimezone(UTC)
                first = at if first is None else min(first, at)
                n_fits += float(entry["replications"]) * len(entry["methods"])
    return first, n_fits
