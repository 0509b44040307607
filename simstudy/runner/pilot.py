"""What a study will take, from a few batches timed in memory. Writes nothing.

Of every kind of task some are tried on one batch.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from simstudy.entries import GRAINS
from simstudy.generators import streams
from simstudy.plots import plots
from simstudy.runner.cost import Cost, Kind, affordable, default_jobs, kinds_of
from simstudy.runner.plan import names_of, parts_of, plan
from simstudy.runner.precision import of_rows, truths
from simstudy.runner.process import settle
from simstudy.runner.task import Task, grain_of, n_fits_of, run_task
from simstudy.runner.totals import totals_of
from simstudy.store import parts, totals_file
from simstudy.study.study import Study

_MOST = 24  # tasks that are tried
_BATCHES = 3  # of a trial, the median of which counts
_OWN_TRIAL, _OWN_TRIALS = 0.3, 2.0  # of a user's method: seconds of a trial, and of them all
# CPU seconds of what figures import, of a figure, of a facet, of workers and of a file, on a
# machine where importing this package with numpy and pyarrow takes _IMPORTS
_IMPORTS, _DRAWING, _FIGURE, _FACET, _WORKERS, _FILE = 0.27, 0.3, 0.2, 0.055, 0.6, 4e-4
_OLD = 4.0  # CPU seconds after which a process has done more than importing
_FACETS = 48  # at most, of a figure in facets


@dataclass(frozen=True, slots=True)
class Pilot:
    """What trials say of a whole study.

    Attributes
    ----------
    jobs : int
        Worker processes that `run` takes by default.
    seconds, seconds_in_process : float
        From the command to its end, with that many jobs and with one; figures included.
    megabytes : float
        Of parts.
    """

    jobs: int
    seconds: float
    seconds_in_process: float
    megabytes: float


@dataclass(frozen=True, slots=True)
class _Trial:
    """One batch of one task: seconds and bytes a fit, and a part's own bytes."""

    work: float
    summary: float
    row_bytes: float
    part_bytes: float


def pilot(study: Study, spent: float | None = None) -> Pilot:
    """Run a few replications of some scenarios and scale up.

    Parameters
    ----------
    study : Study
    spent : float, optional
        CPU seconds of this process when the study was loaded; by default, those until now.
    """
    spent = time.process_time() if spent is None else spent
    machine = spent / _IMPORTS if spent < _OLD else 1.0
    settle()
    tasks = plan(study, [])
    jobs = default_jobs(tasks)
    run_task(_cut(tasks[0], 1))  # the first call imports and warms up
    cost, typical = Cost(), []
    for task, trial in _trials(study, _choose(tasks)):
        cost.learn(task, trial.work * task.n_fits)
        typical.append(trial)
    seconds = [cost.of(task) or 0.0 for task in tasks]
    n_fits = n_fits_of(tasks)
    files = sum(len(names_of(task)) for task in tasks)
    summary = 2.0 * n_fits * _mean([trial.summary for trial in typical])  # read, and added up
    size = n_fits * _mean([trial.row_bytes for trial in typical])
    size += files * _mean([trial.part_bytes for trial in typical])
    work = sum(seconds) + files * _FILE * machine
    around = machine * (_IMPORTS + _figures(study)) + summary
    spread = max(work / jobs, *seconds) + (_WORKERS * machine if jobs > 1 else 0.0)
    return Pilot(jobs, around + spread, around + work, size / 1e6)


def _figures(study: Study) -> float:
    """CPU seconds of a study's figures on the machine of `_IMPORTS`."""
    if not study.figures:
        return 0.0
    facets = min(len(study.designs) / len({d.scenario.icc for d in study.designs}), _FACETS)
    faceted = sum(plots()[one.name].facets for one in study.figures if not one.source)
    return _DRAWING + len(study.figures) * _FIGURE + faceted * facets * _FACET


def _choose(tasks: list[Task]) -> list[Task]:
    """Some tasks of each kind, or of some kinds where there are many; of every method one."""
    of_kind: dict[Kind, list[Task]] = defaultdict(list)
    for task in tasks:
        of_kind[next(kinds_of(task))].append(task)
    kinds = list(of_kind.values())
    step = max(1, math.ceil(len(kinds) / _MOST))
    each = max(1, _MOST // len(kinds))
    first_of = {alike[0].kind: k for k, alike in reversed(list(enumerate(kinds)))}
    return [
        task
        for k in sorted({*range(0, len(kinds), step), *first_of.values()})
        for task in kinds[k][:: max(1, math.ceil(len(kinds[k]) / each))]
    ]


def _trials(study: Study, tried: list[Task]) -> Iterator[tuple[Task, _Trial]]:
    """Try tasks; of a slow method of the user's only the first few."""
    spent: dict[str, float] = defaultdict(float)
    for task in tried:
        if task.kind and spent[task.kind] > _OWN_TRIALS:
            continue
        start = time.perf_counter()
        yield task, _trial(study, task)
        spent[task.kind] += time.perf_counter() - start


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _cut(task: Task, n_reps: int) -> Task:
    return task.only(1, min(n_reps, task.n_reps))


def _trial(study: Study, task: Task) -> _Trial:
    """Time one batch of a task: drawn, fitted and encoded, then added up."""
    scenario = task.pieces[0].scenario
    grains = {grain_of(method, scenario, task.grain) for method in task.methods}
    finest = streams.GRAIN[max(grains, key=GRAINS.index)]
    part = _cut(task, streams.batch_length(scenario, finest))
    times: list[float] = []
    clock = time.process_time
    if task.foreign:  # which may wait for another program
        part, clock = affordable(task, _OWN_TRIAL, task.n_reps), time.perf_counter
    if task.totals:
        return _trial_of_totals(part)
    for _ in range(1 if task.foreign else _BATCHES):
        start = clock()
        estimates = run_task(part)
        sizes = [parts.encode(*content, {}).size for content in parts_of(part, estimates)]
        times.append(clock() - start)
    few = _cut(task, 1)
    little = [parts.encode(*content, {}).size for content in parts_of(few, run_task(few))]
    start = time.process_time()
    for method, of_method in zip(task.methods, estimates, strict=True):
        of_rows(study, task, method, of_method, truths(task, method, of_method))
    summary = time.process_time() - start
    n_more = max(part.n_fits - few.n_fits, 1)
    row_bytes = max(sum(sizes) - sum(little), 0) / n_more
    own = max(sum(little) / len(little) - row_bytes * few.n_fits / len(little), 0.0)
    work = sorted(times)[len(times) // 2] / part.n_fits
    return _Trial(work, summary / part.n_fits, row_bytes, own)


def _trial_of_totals(part: Task) -> _Trial:
    """The same where totals are made: nothing is written or read for a fit."""
    times = []
    for _ in range(_BATCHES):
        start = time.process_time()
        sizes = [totals_file.encode(*content, {}).size for content in totals_of(part)]
        times.append(time.process_time() - start)
    work = sorted(times)[len(times) // 2] / part.n_fits
    return _Trial(work, 0.0, 0.0, _mean([float(size) for size in sizes]))
