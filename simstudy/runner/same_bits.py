"""Whether stored rows are those this machine would make.

Other versions of numpy or scipy, or another CPU, may move last digits. So before a study
goes on with others, one stored range of each method is computed again and compared.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from simstudy.errors import UserError
from simstudy.estimates import Estimates
from simstudy.measures import totals
from simstudy.measures.flat import flat
from simstudy.registry import Method
from simstudy.runner.cost import rough
from simstudy.runner.plan import first_range
from simstudy.runner.task import Task, run_task
from simstudy.runner.totals import totals_of
from simstudy.store import footers, parts, totals_file
from simstudy.store.names import PartName, method_key
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.study import Study

_ORIGIN = ("numpy", "scipy", "cpu", "simstudy")  # what may move the last digits
_NUMBERS = ("estimate", "std_error", "df", "p_value")
_COMPONENTS = ("tau2", "sigma2")


def refuse_other_bits(
    study: Study, folder: ResultsFolder, stored: list[PartName], ours: dict[str, Any]
) -> None:
    """Refuse to go on where earlier rows come from elsewhere and differ when computed again.

    A part that is broken raises `parts.BrokenPartError`.
    """
    first = next(parts.footers(folder, stored), ours)
    elsewhere = [name for name in _ORIGIN if first.get(name) != ours[name]]
    for method in study.methods:
        has_packages = method.has_packages or bool(study.generators)
        if not (elsewhere or has_packages):
            continue
        part, task = _cheapest(study, method, stored)
        if part is None or task is None:
            continue
        theirs = parts.footer(folder, part) or {} if has_packages else first
        other = _versions(theirs), _versions(ours)
        names = [name for name in other[0] | other[1] if other[0].get(name) != other[1].get(name)]
        if not names or footers.TIMEOUT in theirs or _agree(study, folder, part, task):
            continue
        before, now = (", ".join(f"{name} {of.get(name)}" for name in names) for of in other)
        message = (
            f"earlier rows come from {before} (here: {now}), and {method.canonical} in scenario "
            f"{task.pieces[0].id}, replications {task.first} to {task.last}, differs when computed "
            "again; go on with the earlier versions, or start over with --fresh"
        )
        raise UserError(message, file=str(folder))


def _versions(footer: dict[str, Any]) -> dict[str, Any]:
    """What may move the last digits; of a user's method also what its file imports."""
    return {name: footer.get(name) for name in _ORIGIN} | footer.get("packages", {})


def _cheapest(
    study: Study, method: Method, stored: list[PartName]
) -> tuple[PartName, Task] | tuple[None, None]:
    """The stored range of a method that is computed again the soonest, and its part."""
    designs, key = {design.id: design for design in study.designs}, method_key(method.canonical)
    cheapest: tuple[float, PartName, Task] | None = None
    for part in stored:
        name = next((name for name in part.scenarios if name in designs), None)
        if name is None or key not in part.methods:
            continue
        span = part.first, part.last
        if not part.totals:
            span = first_range(span, method, designs[name].scenario, study.grain)
        task = Task(study.seed, (designs[name],), *span, (method,), study.grain)
        cost = rough([task])
        if cheapest is None or cost < cheapest[0]:
            cheapest = cost, part, task
    return cheapest[1:] if cheapest else (None, None)


def _agree(study: Study, folder: ResultsFolder, part: PartName, task: Task) -> bool:
    """Whether a stored range has the bits of a new one."""
    if part.totals:
        return _agree_in_totals(study, folder, part, task)
    columns = (*_NUMBERS, *_COMPONENTS, "status")
    rows = parts.read(folder, part, columns, parts.Whose.of(study))
    at = part.methods.index(method_key(task.methods[0].canonical))
    stored = {name: column[at, part.scenarios.index(task.pieces[0].id), : task.n_reps]
              for name, column in rows.items()}  # fmt: skip
    (estimates,) = run_task(task)
    return all(
        np.array_equal(stored[name], _column(estimates, name), equal_nan=True)
        for name in (*_NUMBERS, *_COMPONENTS)
    ) and np.array_equal(stored["status"], estimates.status)


def _agree_in_totals(study: Study, folder: ResultsFolder, part: PartName, task: Task) -> bool:
    stored = totals_file.read(folder, part, parts.Whose.of(study))
    ((_, _, made),) = totals_of(replace(task, alphas=stored.alphas))
    n_nodes = totals.length(made.totals)
    place = part.methods.index(method_key(task.methods[0].canonical)) * len(part.scenarios)
    place += part.scenarios.index(task.pieces[0].id)
    here = totals.take(stored.totals, np.arange(n_nodes) + place * n_nodes)
    return all(np.array_equal(one, other, equal_nan=True) for one, other in
               zip(flat(here).values(), flat(made.totals).values(), strict=True))  # fmt: skip


def _column(estimates: Estimates, name: str) -> Any:
    """Numbers as a part holds them: a component that a method has not is null."""
    values = getattr(estimates, name)
    return np.full(estimates.estimate.size, np.nan) if values is None else values
