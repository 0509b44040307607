"""What Monte Carlo errors a study will have, from a pilot of every cell.

A cell is a method in a scenario. All cells are tried with a few replications; the least precise
of every measure are tried again, with more of them and none of the first, since the worst of
many few is worse than it is.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import NamedTuple

import numpy as np

from simstudy.estimands import is_null, one_of
from simstudy.estimates import LIMITS, TRUTH, Estimates
from simstudy.measures.catalog import MEASURES, finish
from simstudy.measures.names import OF_TRUTH, REJECTION
from simstudy.measures.record import Cells
from simstudy.measures.totals import COLUMNS, Totals, of_block
from simstudy.measures.values import Z95, Column, proportion
from simstudy.moments import Floats
from simstudy.registry import Method
from simstudy.runner.cost import affordable
from simstudy.runner.plan import plan
from simstudy.runner.task import Task, n_fits_of, run_task
from simstudy.study.grid import Design
from simstudy.study.precision import Stop, bound
from simstudy.study.study import Study

# what a pilot can have: no pairs and no second pass
FORECAST = tuple(
    name
    for name, measure in MEASURES.items()
    if measure.forecast and not measure.needs & {"pairs", "mean", "rows"}
)
_FEW, _MOST, _AGAIN = 64, 2048, 16  # replications of a cell: first, at most, then times more
_SECONDS = 1.0  # of the first trials of all cells, of those again, and of the user's methods
_CELLS = 4096  # scenarios that are tried
_WORST = 2  # cells of a measure that are tried again


class Cell(NamedTuple):
    """How precise a measure is in one cell.

    Attributes
    ----------
    one : float
        Monte Carlo SE of a single replication: with n of them it is ``one / sqrt(n)``.
    most : float
        The same where the pilot is as wrong as it may be (an upper 95 % limit).
    n_reps : int
        Replications of the pilot in this cell.
    truth : float
        NaN where it is not one number.
    """

    measure: str
    design: Design
    method: Method
    alpha: float
    one: float
    most: float
    n_reps: int
    truth: float


class Precision(NamedTuple):
    """The least precise cell of every measure, in the order of a summary; `power` and
    `type1_error` among them; all cells; and how many cells of how many were tried.
    """

    worst: dict[str, Cell]
    cells: list[Cell]
    n_tried: int
    n_cells: int


def precision(study: Study) -> Precision:
    """Try every cell of a study, and the least precise ones again."""
    first = [task for task in plan(replace(study, sample=None), []) if task.first == 1]
    step = max(1, math.ceil(len(study.designs) / _CELLS))
    ours = [task for task in first if task.shared][::step]
    own = [task for task in first if not task.shared]
    found: list[Cell] = []
    if ours:
        n, seconds = _numbers(ours)
        for task in ours:
            found += cells(study, task.only(1, n))
        again = _again(study, found, n, seconds)
        found = [cell for cell in found if _key(cell) not in again] + [*again.values()]
    found += _of_own(study, own)
    worst: dict[str, Cell] = {}
    for cell in found:
        for name in _names(cell):
            if name not in worst or cell.one > worst[name].one:
                worst[name] = cell
    tried = {(cell.design.id, cell.method.canonical) for cell in found}
    n_cells = sum(map(study.n_asked, study.methods))
    ordered = {name: worst[name] for name in (*FORECAST, *OF_TRUTH) if name in worst}
    if len(tried) < n_cells:  # a rate may be one half in a cell that was not tried
        ordered = {name: _unknown(cell) for name, cell in ordered.items()}
    return Precision(ordered, found, len(tried), n_cells)


def _unknown(cell: Cell) -> Cell:
    measure = MEASURES[cell.measure]
    if not (measure.proportion or measure.over_alpha):
        return cell
    half = 0.5 / cell.alpha if measure.over_alpha else 0.5
    return cell._replace(most=max(cell.most, half))


def _names(cell: Cell) -> Iterator[str]:
    """The measures that a cell's number is about: a rejection rate is power or Type I error."""
    yield cell.measure
    if cell.measure == REJECTION:
        null = bool(is_null(cell.truth, cell.method.null_value))
        if not math.isnan(cell.truth):
            yield from (name for name, of in OF_TRUTH.items() if of is null)


def _key(cell: Cell) -> tuple[str, str, str, float]:
    return cell.measure, cell.design.id, cell.method.canonical, cell.alpha


def _numbers(tasks: list[Task]) -> tuple[int, float]:
    """Replications of a cell that `_SECONDS` hold, and the seconds of a fit."""
    start = time.process_time()
    some = tasks[:: max(1, len(tasks) // 8)]
    few = [task.only(1, _FEW) for task in some]
    for task in few:
        run_task(task)
    spent = (time.process_time() - start) * len(tasks) / len(some)
    n = _FEW
    while n < _MOST and spent * 2 * n / _FEW < _SECONDS:
        n *= 2
    return n, (time.process_time() - start) / n_fits_of(few)


def _again(
    study: Study, found: list[Cell], n: int, seconds: float
) -> dict[tuple[str, str, str, float], Cell]:
    """The least precise cells, with other replications than those that chose them."""
    by_name: dict[str, list[Cell]] = defaultdict(list)
    for cell in found:
        for name in _names(cell):
            by_name[name].append(cell)
    chosen = [
        cell for of in by_name.values()
        for cell in sorted(of, key=lambda cell: cell.one, reverse=True)[:_WORST]
    ]  # fmt: skip
    tasks = {
        (cell.design.id, cell.method.canonical): Task(
            study.seed, (cell.design,), n + 1, 2 * n, (cell.method,), study.grain
        )
        for cell in chosen
    }
    times = _AGAIN
    while times > 1 and times * n * len(tasks) * seconds > _SECONDS:
        times //= 2
    more = [
        cell for task in tasks.values()
        for cell in cells(study, task.only(n + 1, n + times * n))
    ]  # fmt: skip
    return {_key(cell): cell for cell in more}


def _of_own(study: Study, tasks: list[Task]) -> list[Cell]:
    """As many replications of a user's methods as time allows: one call of each cell at least,
    until it is up.
    """
    found: list[Cell] = []
    end = time.perf_counter() + 2 * _SECONDS
    by_method = [[t for t in tasks if t.methods == (method,)] for method in study.methods]
    turns = [task for of in zip_longest(*by_method) for task in of if task is not None]
    for k, task in enumerate(turns):
        now = time.perf_counter()
        if now > end and k >= len(study.methods):
            break
        some = affordable(task, (end - now) / (len(turns) - k), _MOST, least=2)
        found += cells(study, some)
    return found


def cells(study: Study, task: Task) -> Iterator[Cell]:
    """Run a task and say how precise every measure is in its cells."""
    for method, estimates in zip(task.methods, run_task(task), strict=True):
        truth = truths(task, method, estimates)
        totals = of_rows(study, task, method, estimates, truth)
        every = Cells(totals, study.alpha, truth, null_value=method.null_value)
        for column in finish(every, [MEASURES[name] for name in FORECAST]):
            one, most = _of_one(column, totals)
            for k, piece in enumerate(task.pieces):
                if column.defined[k] and math.isfinite(one[k]):
                    yield Cell(column.measure, piece, method, column.alpha, float(one[k]),
                               float(most[k]), task.n_reps, float(truth[k]))  # fmt: skip


def truths(task: Task, method: Method, estimates: Estimates) -> Floats:
    """True value in each scenario; NaN where that differs between data sets."""
    truth = np.array([method.truth(piece.scenario) for piece in task.pieces])
    given = (estimates.extras or {}).get(TRUTH)
    if given is None or np.isnan(given).all():
        return truth
    rows = given.reshape(len(task.pieces), -1)
    ends = np.fmin.reduce(rows, axis=1), np.fmax.reduce(rows, axis=1)
    return np.asarray(np.where(np.isnan(ends[0]), truth, one_of(*ends)))


def of_rows(
    study: Study, task: Task, method: Method, estimates: Estimates, truth: Floats
) -> Totals:
    """Totals of what a task's method gave, a row a scenario."""
    shape = len(task.pieces), -1
    columns = {key: getattr(estimates, key).reshape(shape) for key in COLUMNS}
    extras = estimates.extras or {}
    given = (*LIMITS, TRUTH)
    columns |= {key: extras[key].reshape(shape) for key in given if key in extras}
    return of_block(columns, truth, study.alpha, method.null_value)


def _of_one(column: Column, totals: Totals) -> tuple[Floats, Floats]:
    """Monte Carlo SE of a single replication, and its upper 95 % limit."""
    n, n_all = column.n_used, column.n_used + column.n_not_used
    measure = MEASURES[column.measure]
    with np.errstate(all="ignore"):
        share = n / np.maximum(n_all, 1)
        if not (measure.proportion or measure.over_alpha):
            one = column.value.mcse * np.sqrt(n_all)
            kurtosis = n * totals.of_error.about[4, 0] / totals.of_error.about[2, 0] ** 2
            # the log of a SD has variance (kurtosis - 1) / 4n; of squares it is 15 where the
            # errors are normal, and grows as the square of theirs with heavy tails
            spread = np.maximum(kurtosis - 1.0, 2.0)
            spread = spread if column.measure == "bias" else spread * 10.0 * kurtosis / 3.0
            return one, one * np.exp(Z95 * np.sqrt(spread / (4.0 * np.maximum(n, 1))))
        scale = 1.0 / column.alpha if measure.over_alpha else 1.0
        count = np.rint(column.value.value / scale * n)
        rate = (count + 0.5) / (n + 1.0)
        limits = proportion(count, n)
        farthest = np.clip(0.5, limits.low, limits.high)  # the variance is largest at one half
        least = np.maximum(proportion(np.asarray(n), n_all).low, 1e-9)
        one = scale * np.sqrt(rate * (1.0 - rate) / share)
        most = scale * np.sqrt(farthest * (1.0 - farthest) / np.where(share < 1, least, 1.0))
        return np.where(n > 1, one, np.nan), most


def needed(one: float, target: float) -> int:
    """Replications with which a Monte Carlo SE is at most `target`."""
    return math.ceil((one / target) ** 2 * (1.0 - 1e-12))


def expected(study: Study, cells: Sequence[Cell]) -> Study:
    """A study that stops by precision, where its pilot expects it to.

    A scenario that was not tried has as many replications as the last before it that was.
    """
    rule = study.precision
    assert rule is not None
    found: dict[str, tuple[float, str]] = {}
    for cell in cells:
        for one in rule.targets:
            if one.asked.name in _names(cell):
                ratio = cell.one / one.mcse
                name = bound(one.asked.name, cell.method.label, cell.alpha)
                found[cell.design.id] = max(
                    found.get(cell.design.id, (0.0, "")), (ratio * ratio, name)
                )
    stops = {}
    tried = {cell.design.id for cell in cells}
    least, name = 0.0, ""
    for design in study.designs:
        least, name = found.get(design.id, (0.0, "") if design.id in tried else (least, name))
        stops[design.id] = Stop(rule.reaching(least), name)
    return replace(study, stops=stops)
