"""Results of one study from several folders in one.

Folders may come from anybody: a part is copied once it is known to be what its name says, and
what it says of the user's own code is never imported. Nothing is written before all that two
folders hold was compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from simstudy.errors import UserError
from simstudy.store import (
    compaction,
    content,
    failures,
    parts,
    sources,
    study_file,
    totals_file,
)
from simstudy.store.names import PartName
from simstudy.store.results_folder import ESTIMATES, STUDY, WORK, ResultsFolder
from simstudy.study.study import Study


class Merged(NamedTuple):
    """What was done.

    Attributes
    ----------
    study : Study
        The one that asks for the most fits; its study.yaml is in the folder now.
    of : ResultsFolder
        Where it comes from.
    n_copied, n_there : int
        Parts that were copied; parts of which the rows were there, or came from elsewhere.
    broken : list of str
        Parts that were not copied, and why.
    """

    study: Study
    of: ResultsFolder
    n_copied: int
    n_there: int
    broken: list[str]


def merge(folders: Sequence[ResultsFolder], into: ResultsFolder) -> Merged:
    """Copy what is not there yet.

    Raises
    ------
    UserError
        Where they are of several studies, or hold the same part with other rows: nothing is
        written then.
    """
    others = [folder for folder in folders if not folder.files.is_same(into.files)]
    if not others:
        raise UserError("is merged into itself: nothing is to be done", file=str(into))
    of = {folder: folder.study() for folder in _first_own(into, others)}
    work = _Merge(_whose(of), into)
    for folder in others:
        for part in folder.held():
            work.add(folder, part)
    work.refuse_conflicts()
    widest = max(of, key=lambda folder: of[folder].n_fits)  # of equals the first
    into.refuse_links()
    into.files.prepare((ESTIMATES, WORK))
    into.replace(STUDY, study_file.text(of[widest], into).encode())
    for folder in others:
        sources.bring(folder, into)
    n_copied = sum(work.copy(folder, part) for part, folder in work.to_copy.items())
    return Merged(of[widest], widest, n_copied, work.n_there, work.broken)


def _first_own(into: ResultsFolder, others: Sequence[ResultsFolder]) -> list[ResultsFolder]:
    """All folders that hold a study, that which is merged into first."""
    if into.exists(STUDY):
        return [into, *others]
    if into.held():
        raise UserError(f"holds results without a {STUDY}: nothing is merged", file=str(into))
    return [*others]


def _whose(of: dict[ResultsFolder, Study]) -> parts.Whose:
    """Whose parts are to be copied; `UserError` where that is not one study."""
    (first, study), *rest = of.items()
    keys = dict(parts.Whose.of(study).keys)
    for folder, other in rest:
        for field in ("name", "seed"):
            if getattr(other, field) != getattr(study, field):
                said = f"is of {field} {getattr(other, field)}, and {first} of {field} "
                message = f"{said}{getattr(study, field)}: only results of one study are merged"
                raise UserError(message, file=str(folder))
        for scenario, key in parts.Whose.of(other).keys.items():
            if keys.setdefault(scenario, key) != key:
                message = f"has another scenario of the id {scenario} than {first}"
                raise UserError(message, file=str(folder))
    return parts.Whose(keys, study.seed)


class _Merge:
    """What is where, and what is to be copied."""

    def __init__(self, whose: parts.Whose, into: ResultsFolder) -> None:
        self._whose, self._into = whose, into
        self._of = dict.fromkeys(into.held(), into)  # where the rows of a part are taken from
        self.broken: list[str] = []
        self.n_there = 0

    @property
    def to_copy(self) -> dict[PartName, ResultsFolder]:
        """Parts that come from elsewhere."""
        return {part: folder for part, folder in self._of.items() if folder is not self._into}

    def add(self, folder: ResultsFolder, part: PartName) -> None:
        """Take note of a part; where another folder has it too, compare their rows."""
        if part not in self._of:
            self._of[part] = folder
            return
        mine, other = (self._read(of, part) for of in (self._of[part], folder))
        if mine is None:
            self._of[part] = folder
        elif other is not None:
            self._refuse(mine.is_same(other), folder, part, part)
            self.n_there += 1

    def refuse_conflicts(self) -> None:
        """Refuse other rows in parts that are within wider ones; the same are not copied."""
        for join in list(compaction.nested(part for part in self._of if not part.totals)):
            ours = self._of[join.whole] is self._into
            others = [part for part in join.members if not ours or self._of[part] is not self._into]
            whole = self._read(self._of[join.whole], join.whole) if others else None
            for part in others if whole is not None else ():
                member = self._read(self._of[part], part)
                if whole is not None and member is not None:
                    self._refuse(whole.holds(member), self._of[part], part, join.whole)
                    if self._of[part] is not self._into:
                        del self._of[part]
                        self.n_there += 1

    def copy(self, folder: ResultsFolder, part: PartName) -> bool:
        """Copy a part, its rows last; not one that is broken."""
        if part.totals:
            if self._read(folder, part) is None:
                return False
            self._into.write(self._into.of_part(part), folder.read(folder.of_part(part)))
            return True
        try:
            stored = parts.checked(folder, part, ("status",), self._whose)
            beside = failures.beside(folder, part, stored.footer)
        except parts.BrokenPartError as error:
            self._tell(error)
            return False
        for kind, file in beside.items():
            self._into.write(self._into.of_part(part, kind), file.content)
        self._into.write(self._into.of_part(part), stored.content)
        return True

    def _read(self, folder: ResultsFolder, part: PartName) -> Any:
        """What a part holds, rows or totals; None where it is broken."""
        try:
            return (totals_file if part.totals else content).read(folder, part, self._whose)
        except parts.BrokenPartError as error:
            self._tell(error)
            return None

    def _tell(self, error: parts.BrokenPartError) -> None:
        line = f"{error.file}: {error.reason}"
        self.broken += [] if line in self.broken else [line]

    def _refuse(self, same: bool, folder: ResultsFolder, part: PartName, other: PartName) -> None:
        if not same:
            file = folder.shown(folder.of_part(part))
            message = f"has other rows than {self._of[other].shown(folder.of_part(other))}"
            raise UserError(f"{message}; nothing was written", file=file)
