"""Whether stored rows are those this machine would make.

Other versions of numpy or scipy, or another CPU, may move last digits. So before a study
goes on with others, one stored range of each method is computed again and compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from simstudy.errors import UserError
from simstudy.estimates import Estimates
from simstudy.registry import Method
from simstudy.runner import timeouts
from simstudy.runner.cost import rough
from simstudy.runner.task import Task, run_task
from simstudy.store import parts
from simstudy.store.names import PartName, method_key
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.study import Study

_ORIGIN = ("numpy", "scipy", "cpu", "simstudy")  # what may move the last digits
_NUMBERS = ("estimate", "std_error", "df", "p_value")
_COMPONENTS = ("tau2", "sigma2")


def same_seed(study: Study, folder: ResultsFolder, there: Iterable[PartName]) -> None:
    """Refuse results of another seed, even where study.yaml was lost."""
    stored = folder.seed
    if stored is None:
        stored = next((footer.get("seed") for footer in _footers(folder, there)), None)
    folder.refuse_seed(stored, study.seed)


def _footers(folder: ResultsFolder, there: Iterable[PartName]) -> Iterator[dict[str, Any]]:
    """Readable footers, one after another."""
    for part in there:
        footer = parts.footer(folder, part)
        if footer is not None:
            yield footer


def same_bits(
    study: Study, folder: ResultsFolder, there: list[PartName], ours: dict[str, Any]
) -> None:
    """Refuse to go on where earlier rows come from elsewhere and differ when computed again.

    A part that is broken raises `parts.BrokenPartError`.
    """
    stored = next(_footers(folder, there), ours)
    elsewhere = [name for name in _ORIGIN if stored.get(name) != ours[name]]
    for method in study.methods:
        if not (elsewhere or method.has_packages):
            continue
        part, task = _cheapest(study, method, there)
        if part is None or task is None:
            continue
        theirs = parts.footer(folder, part) or {} if method.has_packages else stored
        other = _versions(theirs), _versions(ours)
        names = [name for name in other[0] | other[1] if other[0].get(name) != other[1].get(name)]
        if not names or timeouts.FOOTER in theirs or _agree(study, folder, part, task):
            continue
        before, here = (", ".join(f"{name} {of.get(name)}" for name in names) for of in other)
        (piece,), first, last = task.pieces, task.first, task.last
        message = (
            f"earlier rows come from {before} (here: {here}), and {method.canonical} in scenario "
            f"{piece.id}, replications {first} to {last}, differs when computed again; go on with "
            "the earlier versions, or start over with --fresh"
        )
        raise UserError(message, file=str(folder))


def _versions(footer: dict[str, Any]) -> dict[str, Any]:
    """What may move the last digits; of a user's method also what its file imports."""
    return {name: footer.get(name) for name in _ORIGIN} | footer.get("packages", {})


def _cheapest(
    study: Study, method: Method, there: list[PartName]
) -> tuple[PartName, Task] | tuple[None, None]:
    """The stored range of a method that is computed again the soonest, and its part."""
    designs, key = {design.id: design for design in study.designs}, method_key(method.canonical)
    found: tuple[float, PartName, Task] | None = None
    for part in there:
        name = next((name for name in part.scenarios if name in designs), None)
        if name is None or key not in part.methods:
            continue
        span = part.first, part.last
        task = Task(study.seed, (designs[name],), *span, (method,), study.grain)
        cost = rough([task])
        if found is None or cost < found[0]:
            found = cost, part, task
    return found[1:] if found else (None, None)


def _agree(study: Study, folder: ResultsFolder, part: PartName, task: Task) -> bool:
    """Whether a stored range has the bits of a new one."""
    columns = (*_NUMBERS, *_COMPONENTS, "status")
    rows = parts.read(folder, part, columns, parts.Whose.of(study))
    at = part.methods.index(method_key(task.methods[0].canonical))
    stored = {name: column[at, part.scenarios.index(task.pieces[0].id)]
              for name, column in rows.items()}  # fmt: skip
    (found,) = run_task(task)
    return all(
        np.array_equal(stored[name], _column(found, name), equal_nan=True)
        for name in (*_NUMBERS, *_COMPONENTS)
    ) and np.array_equal(stored["status"], found.status)


def _column(found: Estimates, name: str) -> Any:
    """Numbers as a part holds them: a component that a method has not is null."""
    values = getattr(found, name)
    return np.full(found.estimate.size, np.nan) if values is None else values
