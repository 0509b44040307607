"""Room 4: doing tasks, in this process or in joblib's workers, and keeping their parts.

Imports task, plan, watch, provenance and store. A range that is done is on disk; an interruption
loses no more than the ranges under way.
"""

from __future__ import annotations

import signal
import time
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from simstudy.errors import UserError, WorkError
from simstudy.estimates import Outcome
from simstudy.runner.plan import forecast, is_own, parts_of, plan
from simstudy.runner.process import cores, settle
from simstudy.runner.provenance import provenance
from simstudy.runner.task import Task, run_task
from simstudy.runner.watch import Done, Pace, Watch
from simstudy.store import asides, layout, parts
from simstudy.study.study import Study

_ORIGIN = ("numpy", "scipy", "cpu", "simstudy")  # what may move the last digits
_IN_PROCESS = 3.0  # seconds of work below which workers do not pay for their start
Progress = Callable[[int, float | None], None]


def execute(
    study: Study,
    folder: Path,
    jobs: int | None = None,
    begin: Callable[[int, int], Progress] | None = None,
    warn: Callable[[str], None] = warnings.warn,
    watch: Watch | None = None,
) -> int:
    """Compute what is missing from a results folder.

    Parameters
    ----------
    study : Study
    folder : Path
        The study's own results folder.
    jobs : int, optional
        Worker processes; 1 is this process. Default: all cores, but this process when the
        work is small.
    begin : callable, optional
        Called once with (fits in all, jobs); what it returns is called with (fits done,
        seconds left, or None while that is unknown).
    warn : callable
        Told, in one line, where earlier results come from other versions.
    watch : Watch, optional
        What becomes of methods that fail.

    Returns
    -------
    int
        Number of fits computed.
    """
    if jobs is not None and (jobs != int(jobs) or jobs < 1):
        raise UserError(f"jobs: {jobs} is not a whole number from 1 up")
    source = provenance(study)
    there = parts.listing(folder)
    if there:
        _same_origin(folder, parts.footer(folder, there[0]), source, warn)
    layout.prepare(study, folder)
    tasks = plan(study, there)
    n_fits = sum(task.n_fits for task in tasks)
    if not tasks:
        return 0
    jobs = min(int(jobs), len(tasks)) if jobs else default_jobs(tasks)
    progress = begin(n_fits, jobs) if begin else lambda done, left: None
    watch, pace = watch or Watch(), Pace(tasks, jobs)
    results = _results(watch.wanted(tasks, pace), folder, source, jobs)
    for done in results:
        progress(done.task.n_fits, pace.see(done))
        try:
            watch.see(done, folder)
        except WorkError:
            with warnings.catch_warnings(action="ignore"):  # that other ranges are under way
                results.close()
            raise
    return n_fits - watch.left_out.total()


def default_jobs(tasks: list[Task]) -> int:
    """All cores, or this process alone where workers would not pay for their start."""
    return 1 if forecast(tasks) < _IN_PROCESS else min(cores(), len(tasks))


def _same_origin(
    folder: Path, stored: dict[str, Any], ours: dict[str, Any], warn: Callable[[str], None]
) -> None:
    """Refuse parts of another seed, even where study.yaml was lost; warn of other versions."""
    layout.same_seed(folder, stored.get("seed"), ours["seed"])
    other = [f"{k} {stored.get(k)}" for k in _ORIGIN if stored.get(k) != ours[k]]
    if other:
        here = ", ".join(f"{k} {ours[k]}" for k in _ORIGIN if stored.get(k) != ours[k])
        warn(f"{folder}: earlier results come from {', '.join(other)} (here: {here}); "
             "last digits may differ between old rows and new ones")  # fmt: skip


def _results(
    tasks: Iterable[Task], folder: Path, source: dict[str, Any], jobs: int
) -> Generator[Done, None, None]:
    if jobs == 1:
        for task in tasks:
            yield work(task, folder, source)
        return
    with uninterrupted():  # workers start deaf to Ctrl-C; the parent hears it and ends them
        results = parallel(jobs, ((work, task, folder, source) for task in tasks))
    yield from results


def parallel(jobs: int, calls: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
    """Do (function, *arguments) calls in worker processes; results as they come.

    BLAS and OpenMP keep to one thread a worker.
    """
    import joblib

    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        pool = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)
        return pool(joblib.delayed(function)(*arguments) for function, *arguments in calls)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C back for a moment; processes started meanwhile never hear it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # the start of a resource tracker, Python's or loky's, lets Ctrl-C through: start them first
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()
    with suppress(ImportError, AttributeError):
        from joblib.externals.loky.backend import resource_tracker as loky_tracker

        loky_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def work(task: Task, folder: Path, source: dict[str, Any]) -> Done:
    """Do one task and store its parts, what lies beside them first."""
    settle()
    start = time.perf_counter()
    keys = {piece.id: parts.key_text(piece.key) for piece in task.pieces}
    estimates = run_task(task)
    first = None
    for part, names, found in parts_of(task, estimates):
        if is_own(task):
            asides.write(folder, part, names, found)
            first = first or next(asides.failed(part, names, found), None)
        mine = {"keys": {name: keys[name] for name in part.scenarios}}
        parts.write(folder, part, names, found, source | mine)
    seconds = time.perf_counter() - start
    if not is_own(task):
        return Done(task, seconds)
    failed = np.asarray(estimates[0].outcome == Outcome.FAILED)
    return Done(task, seconds, failed, first)
