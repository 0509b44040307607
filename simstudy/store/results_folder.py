"""A results folder: where things lie in it, what is there, and how it gets there.

Files are there whole or not at all: a file is written under a name of its own in `.work/` and
renamed. It is not synced: that costs a part more than computing it. What a power loss takes
from a part shows in its sum when it is read, and the part is computed again.
"""

from __future__ import annotations

import itertools
import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from simstudy.errors import UserError
from simstudy.store.at_work import own_name
from simstudy.store.files import cannot_write, is_plain
from simstudy.store.names import PartName, parse
from simstudy.study import yaml_lines
from simstudy.study.study import Study, load

WORK = ".work"  # temporary and set-aside files of a results folder
SET_ASIDE = f"{WORK}/set-aside"
ESTIMATES, REPORT, SOURCES = "estimates", "report", "sources"
BESIDE = FAILURES, EXTRAS, WARNINGS = "failures", "extras", "warnings"  # the rows of a part
STUDY, SCENARIOS, LOG = "study.yaml", "scenarios.parquet", "run.log.jsonl"
SUMMARY, SUMMARY_CSV = "summary.parquet", "summary.csv"
REALIZED = "realized.parquet"  # features of data drawn again
ALL_WARNINGS = f"{FAILURES}/warnings.parquet"  # of the whole study
FOLDERS = (ESTIMATES, FAILURES, EXTRAS, SOURCES, REPORT, f"{REPORT}/figures",
            f"{REPORT}/tables", WORK, SET_ASIDE)  # fmt: skip
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class ResultsFolder:
    """The results of one study on disk, such as ``results/icc``.

    Nothing of what is there is kept: other runs may change it.
    """

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def of_part(self, part: PartName, kind: str = ESTIMATES) -> Path:
        """Where the rows of a part lie, or what lies beside them."""
        return self.path / kind / str(part)

    def parts(self) -> list[PartName]:
        """Parts that are there, in the order of their names."""
        place = self / ESTIMATES
        names = sorted(os.listdir(place)) if place.is_dir() else []
        return [part for part in map(parse, names) if part is not None]

    def write(self, file: Path, *content: Any) -> None:
        """Write bytes to `.work/` in one go and rename, so that `file` is never half a file.

        A link or a folder in its place is set aside. `UserError` where a folder is a link that
        leads out of the results.
        """
        work = self / WORK
        temporary = work / f"{own_name()}-{threading.get_ident()}-{next(_numbers)}"
        self._refuse_outside(work, file.parent)
        try:
            work.mkdir(parents=True, exist_ok=True)
            file.parent.mkdir(parents=True, exist_ok=True)
            temporary.unlink(missing_ok=True)
            with temporary.open("xb") as stream:
                for piece in content:
                    stream.write(piece)
            self.make_room(file)
            os.replace(temporary, file)
        except BaseException as error:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise cannot_write(file, error) from None
            raise

    def replace(self, file: Path, content: bytes) -> None:
        """Write a file that does not hold this yet: a report is as old as what it is of."""
        if not is_plain(file) or file.read_bytes() != content:
            self.write(file, content)

    def make_room(self, file: Path) -> None:
        """Move what is there instead of a file, a link or a folder, to `.work/set-aside/`."""
        if is_plain(file) or not os.path.lexists(file):
            return
        place = target = self / SET_ASIDE / file.relative_to(self.path)
        self._refuse_outside(place.parent)
        number = 1
        while os.path.lexists(target):
            number += 1
            target = place.with_name(f"{place.name}.{number}")
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(file, target)

    def set_aside(self, *names: str) -> Path | None:
        """Move files to `.work/set-aside/`; where to, None where there are none."""
        present = [name for name in names if os.path.lexists(self / name)]
        self.refuse_links()
        target, number = self / SET_ASIDE, 1
        while any(os.path.lexists(target / name) for name in present):
            number += 1
            target = self / SET_ASIDE / str(number)
        for name in present:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):  # another run of the same study was quicker
                os.replace(self / name, target / name)
        return target if present else None

    def refuse_links(self) -> None:
        """Refuse results of which a folder is a link that leads out of them."""
        self._refuse_outside(*(self / name for name in FOLDERS))

    def _refuse_outside(self, *folders: Path) -> None:
        """Refuse to write or delete where a link leads out of the results."""
        home = os.path.realpath(self.path)
        for folder in folders:
            real = os.path.realpath(folder)
            if real != home and not real.startswith(home + os.sep):
                where = f"leads out of the results, to {real}, where"
                raise UserError(f"{where} nothing is written or deleted", file=str(folder))

    @property
    def document(self) -> dict[str, Any]:
        """What study.yaml holds; nothing where that cannot be read, as after a power loss."""
        try:
            return _parsed((self / STUDY).read_bytes()) if is_plain(self / STUDY) else {}
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
        if not (self / STUDY).is_file():
            message = "no study.yaml here; expected a results folder"
            raise UserError(message, file=str(self))
        return load(self / STUDY, trusted=trusted)


@lru_cache(maxsize=1)  # a run reads it several times
def _parsed(content: bytes) -> dict[str, Any]:
    try:
        data = yaml_lines.parse(content.decode()).data
    except (UserError, UnicodeDecodeError):
        return {}
    return data if isinstance(data, dict) else {}
