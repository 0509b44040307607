"""The shares of a study that the jobs of an array do, each without knowing of the others.

What is dealt is the whole plan, as if nothing were there, by a function of the study alone; what
is there is dropped from a share afterward. Dealing out what is missing would move the shares
whenever a job ends, and leave out what moved to a job that is over.
"""

from __future__ import annotations

import heapq
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from simstudy.errors import UserError
from simstudy.runner.cost import rough
from simstudy.runner.plan import Cell, Gaps, Range, by_cell, n_of, plan, tasks_of, wanted
from simstudy.runner.task import Task
from simstudy.store.names import PartName
from simstudy.store.results_folder import LOG
from simstudy.study.study import Study

FROM_ENVIRONMENT = "env"
# a scheduler's variable with the number of a job in its array, and how a job asks for an array
_NUMBERS = {
    "SLURM_ARRAY_TASK_ID": "--array=1-{of}",
    "SGE_TASK_ID": "-t 1-{of}",
    "PBS_ARRAY_INDEX": "-J 1-{of}",
    "PBS_ARRAYID": "-t 1-{of}",
    "LSB_JOBINDEX": "-J 'NAME[1-{of}]'",
}
_UNSET = ("", "undefined")  # SGE's, of a job that is no array


@dataclass(frozen=True, slots=True)
class Share:
    """What one job of an array does.

    Attributes
    ----------
    number, of : int
        This share, from 1, of how many.
    spans : mapping
        Scenario and method -> the replications in it, as far as the scenario has them.
    dealt : str
        What the study was dealt as, such as ``120 tasks``.
    """

    number: int
    of: int
    spans: Mapping[Cell, list[Range]]
    dealt: str

    def line(self, study: Study, n_computed: int) -> str:
        """What became of it, once it is stored."""
        name = f"share {self.number} of {self.of}"
        if not self.spans:
            return f"{name} is empty: the study has {self.dealt}"
        n_fits, _ = asked(study, self)
        return f"{name}: its {n_fits:,} fits are there, {n_computed:,} computed now"


class _Deal(NamedTuple):
    """What goes to one share as a whole: its kind, whole microseconds, name, and what is in it."""

    kind: tuple[str, str]
    cost: int
    name: tuple[Any, ...]
    spans: list[tuple[Cell, Range]]


def share_of(study: Study, text: str) -> Share:
    """The share of a study that ``I/N`` or ``env/N`` means."""
    number, of = _read(text)
    study = replace(study, stops={})  # whatever rows say by now
    deals = _tasks(study) if study.precision is None else _scenarios(study, study.precision.most)
    spans: dict[Cell, list[Range]] = defaultdict(list)
    shares = _dealt(deals, min(of, len(deals)))  # the others are empty
    for deal in shares[number - 1] if number <= len(shares) else ():
        for cell, span in deal.spans:
            spans[cell].append(span)
    what = "task" if study.precision is None else "scenario"
    ordered = {cell: sorted(of_cell) for cell, of_cell in spans.items()}
    return Share(number, of, ordered, f"{len(deals):,} {what}{'s' * (len(deals) != 1)}")


def only(study: Study, share: Share | None) -> Study:
    """A study without the scenarios of which nothing is in a share."""
    if share is None:
        return study
    scenarios = {scenario for scenario, _, _ in share.spans}
    return replace(study, designs=tuple(d for d in study.designs if d.id in scenarios))


def asked(study: Study, share: Share | None) -> tuple[int, int]:
    """How many fits, of how many scenarios, a study or a share of it has."""
    some = only(study, share)
    n_fits = study.n_fits if share is None else n_missing(some, [], share)
    return n_fits, len(some.designs)


def log_of(share: Share | None) -> str:
    """Name of a run's log: jobs of an array have one each, since they begin at once."""
    return LOG if share is None else f"run.log.{share.number}of{share.of}.jsonl"


def planned(study: Study, parts: Iterable[PartName], share: Share | None) -> list[Task]:
    """Tasks that complete a study, or a share of it."""
    return plan(study, parts) if share is None else tasks_of(study, _gaps(study, parts, share))


def n_missing(study: Study, parts: Iterable[PartName], share: Share | None = None) -> int:
    """Fits of a study, or of a share of it, that no part holds."""
    gaps = wanted(study, parts) if share is None else _gaps(study, parts, share)
    return sum(map(n_of, by_cell(gaps).values()))


def _gaps(study: Study, parts: Iterable[PartName], share: Share) -> Gaps:
    gaps = wanted(study, parts)
    return {
        cell: list(_common(gaps[cell], spans))
        for cell, spans in share.spans.items() if cell in gaps
    }  # fmt: skip


def _common(some: list[Range], others: list[Range]) -> Iterator[Range]:
    """What two ascending lists of spans have in common, cut where either is."""
    i = j = 0
    while i < len(some) and j < len(others):
        first, last = max(some[i][0], others[j][0]), min(some[i][1], others[j][1])
        if first <= last:
            yield first, last
        if some[i][1] < others[j][1]:
            i += 1
        else:
            j += 1


def _tasks(study: Study) -> list[_Deal]:
    """The tasks of a plan; those with a user's own code are of a kind of their own."""
    deals = []
    for task in plan(study, []):
        own = task.pieces[0].scenario.generator
        kind = task.kind, "" if own is None else f"{own.digest} {own.function}"
        spans = [((piece.id, method.canonical, task.totals), (task.first, task.last))
                 for piece in task.pieces for method in task.methods]  # fmt: skip
        deals.append(_Deal(kind, _microseconds(task), task.key, spans))
    return deals


def _scenarios(study: Study, most: int) -> list[_Deal]:
    """Whole scenarios: how many replications one has, all of its rows say."""
    costs: dict[str, int] = defaultdict(int)
    for task in plan(study, []):
        for piece in task.pieces:
            costs[piece.id] += _microseconds(task) // len(task.pieces)
    return [
        _Deal(("", ""), costs[d.id], (d.id,),
              [((d.id, m.canonical, totals), (1, most))
               for m in study.methods if study.asks(d, m) for totals in (False, True)])
        for d in study.designs
    ]  # fmt: skip


def _microseconds(task: Task) -> int:
    """What a task costs by the table; whole, so that no machine has it otherwise."""
    return round(rough([task]) * 1e6)


def _dealt(deals: Iterable[_Deal], of: int) -> list[list[_Deal]]:
    """Deal, longest first, each to whoever has least: of its kind, then of all.

    The table knows nothing of what a user's own code costs, so each of it is dealt evenly by
    itself. Equal costs are ordered by the names.
    """
    by_kind: dict[tuple[str, str], list[_Deal]] = defaultdict(list)
    for deal in deals:
        by_kind[deal.kind].append(deal)
    shares: list[list[_Deal]] = [[] for _ in range(of)]
    totals = [0] * of
    for kind in sorted(by_kind):
        least = [(0, total, k) for k, total in enumerate(totals)]
        heapq.heapify(least)
        for deal in sorted(by_kind[kind], key=lambda deal: (-deal.cost, deal.name)):
            of_kind, total, k = least[0]
            shares[k].append(deal)
            heapq.heapreplace(least, (of_kind + deal.cost, total + deal.cost, k))
        for _, total, k in least:
            totals[k] = total
    return shares


def _read(text: str) -> tuple[int, int]:
    """Number of a share and how many there are, of ``I/N`` or ``env/N``."""
    match = re.fullmatch(rf"\s*(\d{{1,9}}|{FROM_ENVIRONMENT})\s*/\s*(\d{{1,9}})\s*", text)
    if match is None or int(match[2]) < 1:
        raise UserError(
            f"shard: {text!r} is not I/N, share I of N such as 2/50, nor env/N, with I from the "
            "array job's environment"
        )
    of = int(match[2])
    if match[1] == FROM_ENVIRONMENT:
        return _from_environment(text, of), of
    number = int(match[1])
    if not 1 <= number <= of:
        raise UserError(f"shard: {text!r}: there is no share {number} of {of}; the first is 1")
    return number, of


def _from_environment(text: str, of: int) -> int:
    """Number of this job in its array, from the one scheduler that says so."""
    given = {name: os.environ.get(name, "") for name in _NUMBERS}
    given = {name: value for name, value in given.items() if value not in _UNSET}
    if not given:
        names = ", ".join(_NUMBERS)
        raise UserError(
            f"shard: {text}: none of {names} is set, so this is no job of an array; submit it "
            f"with --array=1-{of} (SLURM), or say which share: --shard 1/{of}"
        )
    (name, value), *others = given.items()
    for other, another in others:
        if another != value:
            raise UserError(
                f"shard: {text}: {name} is {value} and {other} is {another}; unset the one that "
                f"is not of this array, or say which share: --shard {value}/{of}"
            )
    if not value.isdecimal() or not 1 <= int(value) <= of:
        raise UserError(
            f"shard: {text}: {name} is {value}, and shares are numbered from 1 to {of}: submit "
            f"the array with {_NUMBERS[name].format(of=of)}"
        )
    return int(value)
