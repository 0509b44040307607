"""The lock of a study: its plan, when it was locked, with what software, and the text of that."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from simstudy.estimands import DEFAULT
from simstudy.locks.plan import Level, Levels, Plan, Planned, plan_of
from simstudy.runner.provenance import provenance
from simstudy.store.study_file import dump
from simstudy.study.grid import n_of_grids
from simstudy.study.study import Study

FORMAT = 1
IDS = "ids"
TIME = "%Y-%m-%dT%H:%M:%SZ"
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
           "October", "November", "December")  # fmt: skip
_HEAD = """\
# The lock of the study {study}: what was planned before it was run. Written by
#   python -m simstudy lock CONFIG
# and read by plan, run and report, which list every deviation from it. It is not to be edited: the
# digest would not fit any more. Publish it, or the digest, where somebody else attests the date.
"""
_ABOUT = {
    "digest": "SHA-256 of all below plan: but levels and labels, which say the same in words",
    "stored": "fits of this plan that were stored already, in the results folder looked at",
    "versions": "the software that was there",
    "scenarios": "levels of a set are crossed, the last one fastest, and ids are in that order",
    "methods": "by canonical names, in which options at a default are left out",
    "claims": "judged after the run",
    "files": "digests of what is taken from files, but for methods, whose names hold them",
}


class Crossing(NamedTuple):
    """Scenarios that are all combinations of some levels, the last field's going fastest."""

    levels: Mapping[str, list[Level]]
    ids: list[str]

    def scenarios(self) -> Iterator[tuple[str, Levels]]:
        """Each by its id, with its levels."""
        for name, levels in zip(self.ids, itertools.product(*self.levels.values()), strict=True):
            yield name, dict(zip(self.levels, levels, strict=True))


@dataclass(frozen=True, slots=True)
class Lock:
    """A plan that was locked.

    Attributes
    ----------
    study : str
        Its name.
    locked : str
        When, in UTC, as 2026-11-27T02:21:59Z.
    versions : mapping
        Software, kind of CPU and git commit -> version.
    stored : int
        Fits of the plan that were there already.
    crossings : tuple of Crossing
        The scenarios of the plan as they are written down.
    """

    study: str
    locked: str
    versions: Mapping[str, str]
    stored: int
    plan: Plan
    crossings: tuple[Crossing, ...] = field(repr=False)

    @property
    def at(self) -> datetime:
        """When it was locked."""
        return datetime.fromisoformat(self.locked)

    @property
    def day(self) -> str:
        """When it was locked, for people."""
        return day(self.at)

    @property
    def mark(self) -> str:
        """How the digest begins, for people."""
        return self.plan.digest[:12]


def day(at: datetime) -> str:
    """A day as papers write it, whatever the language of this machine."""
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}"


def lock_of(study: Study, stored: int) -> Lock:
    """Lock a study, now."""
    said = provenance(study)
    packages = said.pop("packages", {})
    versions = {
        name: str(version)
        for name, version in {**said, **packages}.items()
        if version and name != "seed"
    }
    now = datetime.now(UTC).strftime(TIME)
    plan = plan_of(study)
    return Lock(study.name, now, versions, stored, plan, tuple(_crossings(study, plan)))


def _crossings(study: Study, plan: Plan) -> Iterator[Crossing]:
    """The scenarios as the study file crosses them; one by one where fields go together."""
    every = iter(plan.scenarios.items())
    for n in n_of_grids(study.scenarios):
        grid = dict(itertools.islice(every, n))
        fields = dict.fromkeys(field for levels in grid.values() for field in levels)
        levels = {
            field: list(dict.fromkeys(of[field] for of in grid.values() if field in of))
            for field in fields
        }
        names = {tuple(of.get(field) for field in fields): name for name, of in grid.items()}
        combined = list(itertools.product(*levels.values()))
        if names.keys() == set(combined) and len(names) == len(grid):
            yield Crossing(levels, [names[combination] for combination in combined])
        else:
            for name, of in grid.items():
                yield Crossing({field: [level] for field, level in of.items()}, [name])


def text_of(lock: Lock) -> str:
    """The lock as it is written down, in YAML with comments."""
    plan = lock.plan
    head = {"format": FORMAT, "study": lock.study, "locked": lock.locked}
    head |= {"digest": plan.digest, "stored": lock.stored, "versions": dict(lock.versions)}
    inner: dict[str, Any] = {
        "seed": plan.seed,
        "alpha": list(plan.alpha),
        "replications": plan.replications,
        "reference": plan.reference,
        "grain": plan.grain,
        "claims": list(plan.claims),
        "methods": [_written(one) for one in plan.methods.values()],
        "scenarios": [_crossed(of) for of in lock.crossings],
        "files": dict(plan.files),
    }
    given = {key: value for key, value in inner.items() if value not in (None, [], {})}
    below = textwrap.indent("".join(map(_entry, given.items())), "  ")
    size = f"{len(plan.scenarios):,} scenarios, {len(plan.methods):,} methods"
    top = "".join(map(_entry, head.items()))
    return f"{_HEAD.format(study=lock.study)}{top}# the plan: {size}\nplan:\n{below}"


def _written(method: Planned) -> dict[str, Any]:
    """A method, what is as usual left out."""
    usual = {"label": method.name, "estimand": DEFAULT, "when": None, "timeout": None}
    said = {key: getattr(method, key) for key in usual}
    return {"name": method.name} | {k: v for k, v in said.items() if v != usual[k]}


def _crossed(of: Crossing) -> dict[str, Any]:
    plain = {
        field: [int(level) if isinstance(level, float) and level.is_integer() else level
                for level in levels]
        for field, levels in of.levels.items()
    }  # fmt: skip
    written = {field: levels if len(levels) > 1 else levels[0] for field, levels in plain.items()}
    return written | {IDS: " ".join(of.ids)}


def _entry(item: tuple[str, Any]) -> str:
    """A key and its value, below what is said about them."""
    key, value = item
    text = dump({key: value})
    if text.startswith("{"):  # as of a mapping that holds nothing but plain values
        text = text[1:-2] + "\n"
    lines = [f"# {_ABOUT[key]}"] if key in _ABOUT else []
    return "".join(f"{line.rstrip()}\n" for line in [*lines, *text.splitlines()])
