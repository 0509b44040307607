"""Room 4: doing tasks, in this process or in workers, and keeping their parts.

Imports task, plan, watch, origin, pool, runlog, provenance and store. A range that is done is
on disk; an interruption loses no more than the ranges under way.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from simstudy.errors import UserError, WorkError
from simstudy.estimates import Outcome
from simstudy.runner import origin
from simstudy.runner.plan import forecast, is_own, names_of, parts_of, plan
from simstudy.runner.pool import LOST, how, parallel
from simstudy.runner.process import cores, end_if_orphaned, settle
from simstudy.runner.provenance import provenance
from simstudy.runner.runlog import RunLog
from simstudy.runner.task import Task, run_task
from simstudy.runner.watch import Done, Watch
from simstudy.store import aside, beside, layout, parts
from simstudy.study.study import Study

_IN_PROCESS = 3.0  # seconds of work below which workers do not pay for their start
_TRIES = 3  # pools of workers in a row that die without finishing a range
Progress = Callable[[int, float | None], None]


def execute(
    study: Study,
    folder: Path,
    jobs: int | None = None,
    begin: Callable[[int, int], Progress] | None = None,
    warn: Callable[[str], None] = warnings.warn,
    each: Callable[[Done, int, int], None] = lambda done, number, of: None,
    watch: Watch | None = None,
    backend: str = "loky",
) -> int:
    """Compute what is missing from a results folder.

    Parameters
    ----------
    study : Study
    folder : Path
        The study's own results folder.
    jobs : int, optional
        Workers; 1 is this process. Default: all cores, but this process when the work is
        small.
    begin : callable, optional
        Called once with (fits in all, jobs); what it returns is called with (fits done,
        seconds left, or None while that is unknown).
    warn : callable
        Told, in one line, what was set aside, and of workers that were lost.
    each : callable
        Told of every range when it is done: (range, its number, ranges in all).
    watch : Watch, optional
        What becomes of methods that fail.
    backend : str
        joblib's, for the workers: loky (processes) or threading.

    Returns
    -------
    int
        Number of fits that were missing and are there now.
    """
    if jobs is not None and (jobs != int(jobs) or jobs < 1):
        raise UserError(f"jobs: {jobs} is not a whole number from 1 up")
    folder = folder.absolute()  # a user's code may go elsewhere
    source = provenance(study)
    tasks = _missing(study, folder, source, warn)
    if not tasks:
        return 0
    n_fits = sum(task.n_fits for task in tasks)
    jobs = min(int(jobs), len(tasks)) if jobs else default_jobs(tasks)
    progress = begin(n_fits, jobs) if begin else lambda done, left: None
    watch = watch or Watch()
    with aside.at_work(folder) as second, RunLog(folder) as log:
        log.write("start", jobs=jobs, ranges=len(tasks), fits=n_fits, **source)
        start, of, told = time.perf_counter(), len(tasks), 0
        if second:  # the first run goes through them from the front
            tasks.reverse()
        run = _Run(study, folder, source, jobs, backend, warn, watch, log)
        with closing(_persistently(run, tasks)) as dones, log.until_stopped():
            for number, done in enumerate(dones, start=1):
                log.write("range", **done.as_logged())
                each(done, number, max(number, of))
                told += done.n_fits
                progress(done.n_fits, watch.pace.see(done))
                watch.see(done, folder)
        left_out = watch.n_left_out
        if told < n_fits - left_out:  # what workers finished that were lost before they said so
            progress(n_fits - left_out - told, None)
        seconds = round(time.perf_counter() - start, 3)
        log.write("end", seconds=seconds, fits=n_fits - left_out, left_out=left_out)
    return n_fits - left_out


def default_jobs(tasks: list[Task]) -> int:
    """All cores, or this process alone where workers would not pay for their start."""
    return 1 if forecast(tasks) < _IN_PROCESS else min(cores(), len(tasks))


def _missing(
    study: Study, folder: Path, source: dict[str, Any], warn: Callable[[str], None]
) -> list[Task]:
    """Make the folder ready, or refuse it; what is to be done in it."""
    there = parts.listing(folder)
    origin.same_seed(study, folder, there)
    tasks = plan(study, there)
    if tasks:
        try:
            origin.same_bits(study, folder, there, source)
        except parts.BrokenPartError:
            if not aside.set_broken_aside(folder, parts.Whose.of(study), warn):
                raise
            return _missing(study, folder, source, warn)
    for file in layout.changed_files(study, folder):
        warn(f"{file} has changed: its methods are computed anew; their earlier rows stay, unused")
    layout.prepare(study, folder)
    aside.clear(folder, warn)
    return tasks


class _Run(NamedTuple):
    """What stays the same from the first task of a run to its last."""

    study: Study
    folder: Path
    source: dict[str, Any]
    jobs: int
    backend: str
    warn: Callable[[str], None]
    watch: Watch
    log: RunLog


def _persistently(run: _Run, tasks: list[Task]) -> Generator[Done, None, None]:
    """Do tasks; where workers are lost, what is still missing with fresh ones."""
    lost, jobs = 0, run.jobs
    while tasks and lost < _TRIES:
        try:
            with closing(_results(run, run.watch.wanted(tasks, jobs), jobs)) as results:
                for done in results:
                    lost = 0
                    yield done
            return
        except LOST as error:
            lost += 1
            run.log.write("lost", reason=how(error), again=lost < _TRIES)
            suspects = run.watch.under_way.copy()
            tasks = plan(run.study, parts.listing(run.folder))
            tasks.sort(key=lambda task: task.key in suspects)  # what may be at fault comes last
            if lost == _TRIES and not is_own(tasks[-1]):
                raise WorkError(
                    f"{how(error)}: {_TRIES} times in a row, nothing finished in between; "
                    "finished ranges are kept, and fewer --jobs need less memory"
                ) from None
            again = f"try {lost + 1} of {_TRIES}" if lost < _TRIES else "one range at a time"
            run.warn(f"{how(error)}; going on with fresh workers ({again})")
            if lost > 1:
                jobs = max(2, jobs // 2) if jobs > 1 else 1
    yield from _one_by_one(run, tasks)


def _one_by_one(run: _Run, tasks: list[Task]) -> Generator[Done, None, None]:
    """Every task by itself, so that a method that ends its process is known and left out."""
    for task in run.watch.wanted(tasks, 1):
        try:
            with closing(_results(run, [task], min(run.jobs, 2))) as results:
                yield from results
        except LOST as error:
            if not is_own(task):
                raise WorkError(f"{how(error)}; finished ranges are kept") from None
            run.log.write("lost", reason=how(error), again=False)
            run.watch.lose(task, how(error))


def _results(run: _Run, tasks: Iterable[Task], jobs: int) -> Generator[Done, None, None]:
    if jobs == 1:
        for task in tasks:
            yield work(task, run.folder, run.source)
    else:
        calls = ((work, task, run.folder, run.source) for task in tasks)
        yield from parallel(jobs, calls, run.backend)


def work(task: Task, folder: Path, source: dict[str, Any]) -> Done:
    """Do one task and store its parts, unless another run has."""
    settle()
    end_if_orphaned()
    start = time.perf_counter()
    place = parts.estimates_folder(folder)
    new = not all((place / str(part)).exists() for part in names_of(task))
    failed = first = None
    if new:
        keys = {piece.id: parts.key_text(piece.key) for piece in task.pieces}
        estimates = run_task(task)
        for part, names, found in parts_of(task, estimates):
            end_if_orphaned()
            mine: dict[str, Any] = {"keys": {name: keys[name] for name in part.scenarios}}
            if is_own(task):  # first: what has rows is complete
                mine["beside"] = beside.write(folder, part, names, found)
                first = first or next(beside.failed(part, names, found), None)
            parts.write(folder, part, names, found, source | mine)
        if is_own(task):
            failed = np.asarray(estimates[0].outcome == Outcome.FAILED)
    seconds = round(time.perf_counter() - start, 4)
    return Done(task, seconds, failed, first, os.getpid(), new)
