"""Room 4: doing tasks, in this process or in workers, and keeping their parts.

Imports task, plan, origin, pool, runlog, provenance and store. A range that is done is on
disk; an interruption loses no more than the ranges under way.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from simstudy.errors import UserError, WorkError
from simstudy.runner import origin
from simstudy.runner.plan import forecast, names_of, parts_of, plan
from simstudy.runner.pool import LOST, how, parallel
from simstudy.runner.process import cores, end_if_orphaned, settle
from simstudy.runner.provenance import provenance
from simstudy.runner.runlog import RunLog
from simstudy.runner.task import Task, run_task
from simstudy.store import aside, layout, parts
from simstudy.study.study import Study

_IN_PROCESS = 3.0  # seconds of work below which workers do not pay for their start
_TRIES = 3  # pools of workers in a row that die without finishing a range
Progress = Callable[[int], None]


class Done(NamedTuple):
    """A range that is on disk: replications first..last of scenarios for methods.

    `seconds` is the worker's; `new` is false where another run had made it already.
    """

    first: int
    last: int
    scenarios: tuple[str, ...]
    methods: tuple[str, ...]
    worker: int
    seconds: float
    new: bool

    @property
    def replications(self) -> int:
        """Data sets of the range."""
        return (self.last - self.first + 1) * len(self.scenarios)

    @property
    def n_fits(self) -> int:
        """Fits of the range."""
        return self.replications * len(self.methods)


def execute(
    study: Study,
    folder: Path,
    jobs: int | None = None,
    begin: Callable[[int, int], Progress] | None = None,
    warn: Callable[[str], None] = warnings.warn,
    each: Callable[[Done, int, int], None] = lambda done, number, of: None,
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
        Called once with (fits in all, jobs); what it returns is called with fits done.
    warn : callable
        Told, in one line, what was set aside, and of workers that were lost.
    each : callable
        Told of every range when it is done: (range, its number, ranges in all).
    backend : str
        joblib's, for the workers: loky (processes) or threading.

    Returns
    -------
    int
        Number of fits that were missing and are there now.
    """
    if jobs is not None and (jobs != int(jobs) or jobs < 1):
        raise UserError(f"jobs: {jobs} is not a whole number from 1 up")
    source = provenance(study)
    tasks = _missing(study, folder, source, warn)
    if not tasks:
        return 0
    n_fits = sum(task.n_fits for task in tasks)
    jobs = min(int(jobs), len(tasks)) if jobs else default_jobs(tasks)
    progress = begin(n_fits, jobs) if begin else lambda done: None
    with aside.at_work(folder) as second, RunLog(folder) as log:
        log.write("start", jobs=jobs, ranges=len(tasks), fits=n_fits, **source)
        start = time.perf_counter()
        if second:  # the first run goes through them from the front
            tasks.reverse()
        of, told = len(tasks), 0
        dones = _persistently(study, folder, tasks, source, jobs, backend, warn, log)
        for number, done in enumerate(dones, start=1):
            log.write("range", **done._asdict(), replications=done.replications)
            each(done, number, max(number, of))
            progress(done.n_fits)
            told += done.n_fits
        progress(n_fits - told)  # what workers finished that were lost before they said so
        log.write("end", seconds=round(time.perf_counter() - start, 3))
    return n_fits


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
            aside.set_broken_aside(folder, parts.Whose.of(study), warn)
            return _missing(study, folder, source, warn)
    layout.prepare(study, folder)
    aside.clear(folder, warn)
    return tasks


def _persistently(
    study: Study,
    folder: Path,
    tasks: list[Task],
    source: dict[str, Any],
    jobs: int,
    backend: str,
    warn: Callable[[str], None],
    log: RunLog,
) -> Iterator[Done]:
    """Do tasks; where workers are lost, what is still missing with fresh ones."""
    lost = 0
    while tasks:
        try:
            for done in _results(tasks, folder, source, jobs, backend):
                lost = 0
                yield done
            return
        except LOST as error:
            lost += 1
            log.write("lost", reason=how(error), again=lost < _TRIES)
            if lost == _TRIES:
                raise WorkError(
                    f"{how(error)}: {_TRIES} times in a row, nothing finished in between; "
                    "finished ranges are kept, and fewer --jobs need less memory"
                ) from None
            warn(f"{how(error)}; going on with fresh workers (try {lost + 1} of {_TRIES})")
            tasks = plan(study, parts.listing(folder))
            if lost > 1:
                jobs = max(2, jobs // 2) if jobs > 1 else 1


def _results(
    tasks: list[Task], folder: Path, source: dict[str, Any], jobs: int, backend: str
) -> Iterator[Done]:
    if jobs == 1:
        return (work(task, folder, source) for task in tasks)
    return parallel(jobs, [(work, task, folder, source) for task in tasks], backend)


def work(task: Task, folder: Path, source: dict[str, Any]) -> Done:
    """Do one task and store its parts, unless another run has."""
    settle()
    end_if_orphaned()
    start = time.perf_counter()
    place = parts.estimates_folder(folder)
    new = not all((place / str(part)).exists() for part in names_of(task))
    if new:
        keys = {piece.id: parts.key_text(piece.key) for piece in task.pieces}
        for part, names, found in parts_of(task, run_task(task)):
            end_if_orphaned()
            mine = {"keys": {name: keys[name] for name in part.scenarios}}
            parts.write(folder, part, names, found, source | mine)
    return Done(
        task.first,
        task.last,
        tuple(piece.id for piece in task.pieces),
        tuple(method.canonical for method in task.methods),
        os.getpid(),
        round(time.perf_counter() - start, 4),
        new,
    )
