"""A results folder: where things lie in it, what is there, and how it gets there.

Everything in it has a name relative to it; where it lies, on this machine or in an object store,
is known to its `Filesystem` alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from simstudy.errors import UserError
from simstudy.store.filesystem import SET_ASIDE as SET_ASIDE
from simstudy.store.filesystem import WORK as WORK
from simstudy.store.filesystem import Entry, Filesystem, Lines
from simstudy.store.local_files import LocalFiles
from simstudy.store.names import PartName, parse
from simstudy.store.stored_objects import StoredObjects
from simstudy.study import yaml_lines
from simstudy.study.study import Study, load_stored

ESTIMATES, TOTALS, REPORT, SOURCES = "estimates", "totals", "report", "sources"
BESIDE = FAILURES, EXTRAS, WARNINGS = "failures", "extras", "warnings"  # the rows of a part
STUDY, SCENARIOS, LOG = "study.yaml", "scenarios.parquet", "run.log.jsonl"
LOCK = "study.lock.yaml"  # beside study.yaml as the lock of any study file is beside that
SUMMARY, SUMMARY_CSV = "summary.parquet", "summary.csv"
REALIZED = "realized.parquet"  # features of data drawn again
ALL_WARNINGS = f"{FAILURES}/warnings.parquet"  # of the whole study
FOLDERS = (ESTIMATES, TOTALS, FAILURES, EXTRAS, SOURCES, REPORT, f"{REPORT}/figures",
            f"{REPORT}/tables", WORK, SET_ASIDE)  # fmt: skip


class ResultsFolder:
    """The results of one study, such as ``results/icc``.

    Nothing of what is there is kept: other runs may change it.

    Parameters
    ----------
    place : path, or URI
    """

    __slots__ = ("files",)

    def __init__(self, place: str | Path | Filesystem) -> None:
        self.files = place if isinstance(place, Filesystem) else _files_of(place)

    def __repr__(self) -> str:
        return f"ResultsFolder({str(self)!r})"

    def __str__(self) -> str:
        return str(self.files.path())

    def shown(self, name: str) -> str:
        """A file's name for people, such as ``results/icc/summary.csv``."""
        return str(self.files.path(name))

    def of_part(self, part: PartName, kind: str = "") -> str:
        """Name of the rows or totals of a part, or of what lies beside them."""
        return f"{kind or (TOTALS if part.totals else ESTIMATES)}/{part}"

    def parts(self, kind: str = ESTIMATES) -> list[PartName]:
        """Parts that are there, or of which something lies there, in the order of their names."""
        found = (parse(name, kind == TOTALS) for name in self.names(kind))
        return [part for part in found if part is not None]

    def held(self) -> list[PartName]:
        """Parts that hold rows, and those that hold totals."""
        return [*self.parts(), *self.parts(TOTALS)]

    def names(self, folder: str) -> list[str]:
        """What is in a folder of it, sorted, from one listing; nothing where there is none."""
        return self.files.names(folder)

    def listed(self, folder: str) -> list[Entry]:
        """The same with sizes and times."""
        return self.files.listed(folder)

    def read(self, name: str) -> bytes:
        """All of a file; `FileNotFoundError` where it is gone, `NotPlainError` for a link."""
        return self.files.read(name)

    def read_end(self, name: str, length: int) -> bytes:
        """The last so many bytes of a file, or all; errors as of `read`."""
        return self.files.read_end(name, length)

    def ahead(self, names: Iterable[str]) -> ResultsFolder:
        """The same folder for who will read these files whole, in this order."""
        return ResultsFolder(self.files.ahead(names))

    def exists(self, name: str) -> bool:
        """Whether a file is there: no link and no folder."""
        return self.files.exists(name)

    def write(self, name: str, *pieces: Any) -> None:
        """Write bytes, so that there is never half a file, or raise `WorkError`.

        What is no file in its place is set aside.
        """
        self.files.write(name, pieces)

    def replace(self, name: str, content: bytes) -> None:
        """Write a file that does not hold this yet: a report is as old as what it is of."""
        with suppress(OSError):
            if self.read(name) == content:
                return
        self.write(name, content)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        self.files.remove(name)

    def move(self, name: str, to: str) -> None:
        """Give a file another name; `FileNotFoundError` where it is gone."""
        self.files.move(name, to)

    def lines(self, name: str) -> Lines:
        """A file to add lines to."""
        return self.files.lines(name)

    def set_aside(self, *names: str) -> str | None:
        """Move files to `.work/set-aside/`; where to, None where there are none."""
        present = [name for name in names if not self.files.is_free(name)]
        self.refuse_links()
        target, number = SET_ASIDE, 1
        while not all(self.files.is_free(f"{target}/{name}") for name in present):
            number += 1
            target = f"{SET_ASIDE}/{number}"
        for name in present:
            with suppress(FileNotFoundError):  # another run of the same study was quicker
                self.move(name, f"{target}/{name}")
        return self.shown(target) if present else None

    def below(self, name: str) -> ResultsFolder:
        """Where a study of this name has its results, if this is the parent folder."""
        return ResultsFolder(self.files.below(name))

    def anchored(self) -> ResultsFolder:
        """The same folder, wherever a user's code goes."""
        return ResultsFolder(self.files.anchored())

    def refuse_links(self) -> None:
        """Refuse results of which a folder is a link that leads out of them."""
        self.files.refuse_links(FOLDERS)

    @property
    def document(self) -> dict[str, Any]:
        """What study.yaml holds; nothing where that cannot be read, as after a power loss."""
        try:
            return _parsed(self.read(STUDY))
        except OSError:
            return {}

    @property
    def seed(self) -> int | None:
        """Seed of the study that was run here; None where study.yaml does not say.

        The parts know it too.
        """
        seed = self.document.get("seed")
        return seed if isinstance(seed, int) else None

    def refuse_seed(self, stored: int | None, seed: int) -> None:
        """Refuse to mix two seeds; None is no seed at all."""
        if stored not in (None, seed):
            message = f"holds results of seed {stored}, and this study has seed {seed}"
            raise UserError(
                f"{message}; --fresh moves them aside, or give the study another name",
                file=str(self),
            )

    def study(self, trusted: bool = False) -> Study:
        """The study that was run here; what it says to `use:` is imported only if `trusted`."""
        try:
            content = self.files.read(STUDY, follow=True)
        except OSError:
            here = "no study.yaml here; expected a results folder"
            none = "no such folder; expected results of a study"
            message = none if self.files.is_free("") else here
            raise UserError(message, file=str(self)) from None
        base = self.files.base() or Path("/")
        return load_stored(content, self.shown(STUDY), base, trusted)


def is_uri(place: str | Path) -> bool:
    """Whether a results folder is named by a URI, such as ``s3://bucket/results/icc``."""
    return "://" in str(place)


def _files_of(place: str | Path) -> Filesystem:
    if not is_uri(place):
        return LocalFiles(Path(place))
    scheme, _, path = str(place).partition("://")
    return LocalFiles(Path(unquote(path))) if scheme == "file" else StoredObjects(str(place))


@lru_cache(maxsize=1)  # a run reads it several times
def _parsed(content: bytes) -> dict[str, Any]:
    try:
        data = yaml_lines.parse(content.decode()).data
    except (UserError, UnicodeDecodeError):
        return {}
    return data if isinstance(data, dict) else {}
