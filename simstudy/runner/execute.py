"""Doing tasks, in this process or in workers, and keeping their parts.

A range that is done is on disk; an interruption loses no more than the ranges under way.
"""

from __future__ import annotations

import os
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from simstudy.custom import doing
from simstudy.custom.generator import GENERATOR
from simstudy.errors import UserError, WorkError
from simstudy.estimates import STATUS_OF
from simstudy.estimates import Outcome as Failing
from simstudy.runner import belongs, same_bits, timeouts
from simstudy.runner.cost import rough
from simstudy.runner.events import (
    Done,
    Event,
    Finished,
    GaveUp,
    Listener,
    Lost,
    Said,
    Started,
    WentOn,
)
from simstudy.runner.plan import names_of, parts_of
from simstudy.runner.policy import FailurePolicy, Key, Outcome
from simstudy.runner.pool import LOST, Apart, NoWorkersError, how, parallel
from simstudy.runner.process import cores, end_if_orphaned, settle
from simstudy.runner.provenance import provenance
from simstudy.runner.runlog import RunLog
from simstudy.runner.shards import Share, asked, log_of, planned
from simstudy.runner.task import Task, run_task
from simstudy.runner.totals import store_totals
from simstudy.store import failures, parts, quarantine, study_file
from simstudy.store.at_work import at_work
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.code import refuse_changed
from simstudy.study.study import Study

_IN_PROCESS = 3.0  # seconds of work below which workers do not pay for their start
_TRIES = 3  # pools of workers in a row that die without finishing a range
Settle = Callable[[Study], Study]
Stuck = dict[Key, frozenset[int]]  # of a task: the calls that did not end at their deadline


def execute(
    study: Study,
    folder: ResultsFolder,
    jobs: int | None = None,
    listen: Listener = lambda event: None,
    warn: Callable[[str], None] = warnings.warn,
    policy: FailurePolicy | None = None,
    backend: str = "loky",
    settle: Settle = lambda study: study,
    share: Share | None = None,
) -> int:
    """Compute what is missing from a results folder.

    Parameters
    ----------
    study : Study
    folder : ResultsFolder
        The study's own results folder.
    jobs : int, optional
        Workers; 1 is this process, but for a user's methods on the command line. Default: all
        cores, but this process when the work is small.
    listen : callable
        Told of every event.
    warn : callable
        Told, in one line, what was set aside, and of workers that were lost.
    policy : FailurePolicy, optional
        What becomes of methods that fail.
    backend : str
        joblib's, for the workers: loky (processes) or threading.
    settle : callable
        Says how many replications each scenario has, as the rows that are there say by now.
    share : Share, optional
        What of the study is done; by default all of it.

    Returns
    -------
    int
        Number of fits that were missing and are there now.
    """
    if jobs is not None and (jobs != int(jobs) or jobs < 1):
        raise UserError(f"jobs: {jobs} is not a whole number from 1 up")
    for method in study.own_methods:
        refuse_changed(method.source)
    for own in study.generators.values():
        refuse_changed(own.source, GENERATOR)
    folder = folder.anchored()  # a user's code may go elsewhere
    source = provenance(study)
    study, tasks = _missing(study, folder, source, warn, settle, share)
    if not tasks:
        return 0
    n_fits, policy = 0, policy or FailurePolicy()
    with at_work(folder) as second, RunLog(folder, log_of(share)) as log:
        run = _Run(study, folder, source, jobs, backend, policy, set(), Apart(), settle, second,
                   share)  # fmt: skip
        events = _events(run, tasks)
        with closing(run.apart), closing(events), log.until_stopped():
            for event in events:
                log.hear(event)
                if isinstance(event, Said | Lost) and event.line:
                    warn(event.line)
                listen(event)
                policy.hear(event)
                if isinstance(event, Finished):
                    n_fits = event.n_fits
    return n_fits


def default_jobs(tasks: list[Task]) -> int:
    """All cores, or this process alone where workers would not pay for their start."""
    return 1 if rough(tasks) < _IN_PROCESS else min(cores(), len(tasks))


def _missing(
    study: Study,
    folder: ResultsFolder,
    source: dict[str, Any],
    warn: Callable[[str], None],
    settle: Settle,
    share: Share | None,
) -> tuple[Study, list[Task]]:
    """Make the folder ready, or refuse it; the study as its rows settle it, and what is missing."""
    listed = folder.held()
    belongs.refuse_another(study, folder, listed)
    belongs.refuse_other_levels(study, folder, listed)
    listed = timeouts.outgrow(study, folder, listed, warn)
    try:
        study = settle(study)
        tasks = planned(study, listed, share)
        if tasks:
            same_bits.refuse_other_bits(study, folder, listed, source)
    except parts.BrokenPartError:
        if not quarantine.set_broken_aside(folder, parts.Whose.of(study), warn):
            raise
        return _missing(study, folder, source, warn, settle, share)
    for file in study_file.changed_files(study, folder):
        warn(
            f"{file} has changed: its methods or data are computed anew; earlier rows stay, unused"
        )
    belongs.tell_what_left(study, folder, listed, warn)
    study_file.prepare(study, folder)
    quarantine.clear(folder, warn)
    return study, tasks


class _Run(NamedTuple):
    """What stays the same from the first task of a round to its last."""

    study: Study
    folder: ResultsFolder
    source: dict[str, Any]
    asked_jobs: int | None
    backend: str
    policy: FailurePolicy
    under_way: set[Key]
    apart: Apart
    settle: Settle
    backwards: bool
    share: Share | None
    jobs: int = 1

    def ready(self, tasks: list[Task]) -> _Run:
        """The same for these tasks: the second of two runs goes through them from the end."""
        if self.backwards:
            tasks.reverse()
        jobs = self.asked_jobs
        return self._replace(jobs=min(int(jobs), len(tasks)) if jobs else default_jobs(tasks))


Events = Generator[Event, None, None]


def _events(run: _Run, tasks: list[Task]) -> Events:
    """Do the tasks of a study, but those of methods that are given up."""
    begin = time.perf_counter()
    run = run.ready(tasks)
    n_fits, n_scenarios = asked(run.study, run.share)
    n_before = max(n_fits - sum(task.n_fits for task in tasks), 0)  # some fits are done again
    yield Started(run.folder, tasks, run.jobs, run.source, n_before, n_scenarios)
    if not timeouts.are_kept(tasks, run.jobs, run.backend):
        yield Said(
            "a timeout cannot end fits that run in a thread, or on this system: none is kept"
        )
    n_fits = 0
    while tasks:
        n_fits += sum(task.n_fits for task in tasks)
        yield from _round(run, tasks)
        run, tasks = _more(run)
        if tasks:
            yield WentOn(tasks)
    n_left_out = run.policy.n_left_out
    seconds = round(time.perf_counter() - begin, 3)
    yield Finished(n_fits - n_left_out, n_left_out, seconds)


def _more(run: _Run) -> tuple[_Run, list[Task]]:
    """What is to be done next of the scenarios that go on, all of it at once.

    Of those of which something was given up it is not known whether they do.
    """
    before, study = run.study, run.settle(run.study)
    on = [d for d in study.designs if study.n_reps(d.id) > before.n_reps(d.id)]
    if not on:
        return run, []
    tasks = planned(replace(study, designs=tuple(on)), run.folder.held(), run.share)
    return (run._replace(study=study).ready(tasks) if tasks else run), tasks


def _round(run: _Run, tasks: list[Task]) -> Events:
    """Do tasks, but those of methods that are given up."""
    policy = run.policy
    for turn in policy.turns(tasks):
        wanted = []
        for task in turn:
            if policy.gives_up(task):
                yield GaveUp(task)
            else:
                wanted.append(task)
        yield from _persistently(run, wanted)
        for task in (task for task in wanted if not task.shared):
            is_seen = task.key in policy.seen
            policy.judge(task, policy.seen.pop(task.key) if is_seen else _stored(run, task))


def _persistently(run: _Run, tasks: list[Task]) -> Events:
    """Do tasks; where workers are lost, what is still missing with fresh ones."""
    lost, jobs, whole = 0, run.jobs, tasks
    stuck: Stuck = defaultdict(frozenset)
    while tasks and lost < _TRIES:
        try:
            with closing(_results(run, _begun(run, tasks), jobs, stuck)) as results:
                for done in results:
                    lost = 0
                    run.under_way.discard(done.task.key)
                    yield done
            return
        except NoWorkersError as error:
            yield Said(f"{error}; going on in one process")
            tasks, jobs = _left(run, whole), 1
        except LOST as error:
            tasks = _left(run, whole)
            timed_out = _timed_out(run, tasks, stuck)
            if timed_out:
                yield Lost(timed_out[0], again=True)
                yield from timed_out[1]
                tasks = _left(run, whole)
                continue
            lost += 1
            fresh = f"{how(error)}; going on with fresh workers"
            tasks.sort(key=lambda task: task.key in run.under_way)  # at fault: last
            if lost < _TRIES:
                yield Lost(how(error), True, f"{fresh} (try {lost + 1} of {_TRIES})")
            elif not tasks[-1].foreign:
                yield Lost(how(error), again=False)
                raise WorkError(
                    f"{how(error)}: {_TRIES} times in a row, nothing finished in between; "
                    "finished ranges are kept, and fewer --jobs need less memory"
                ) from None
            else:
                yield Lost(how(error), False, f"{fresh} (one range at a time)")
            run.under_way.clear()
            if lost > 1:
                jobs = max(2, jobs // 2) if jobs > 1 else 1
    yield from _one_by_one(run, tasks, min(jobs, 2), stuck)


def _begun(run: _Run, tasks: Iterable[Task]) -> Iterator[Task]:
    """The tasks, each noted as under way when it is asked for."""
    for task in tasks:
        run.under_way.add(task.key)
        yield task


def _left(run: _Run, tasks: list[Task]) -> list[Task]:
    """Tasks that are not done, and not lost."""
    seen = run.policy.seen
    return [task for task in tasks if task.key not in seen and not _is_there(task, run.folder)]


def _timed_out(run: _Run, tasks: list[Task], stuck: Stuck) -> tuple[str, list[GaveUp]] | None:
    """Note the calls whose deadlines ended workers; how, or None where there are none.

    A range in which that happens again and again is left out.
    """
    reason, given_up = "", []
    for task, call in timeouts.ended(run.folder, tasks):
        stuck[task.key] |= {call}
        reason = f"a fit of {task.methods[0].label} did not end at its timeout"
        if len(stuck[task.key]) == _TRIES:
            given_up.append(GaveUp(task, f"{reason}, nor did others"))
    return (reason, given_up) if reason else None


def _one_by_one(run: _Run, tasks: list[Task], jobs: int, stuck: Stuck) -> Events:
    """Every task by itself, so that a user's code that ends its process is known and left out."""
    for task in tasks:
        try:
            with closing(_results(run, [task], jobs, stuck)) as results:
                yield from results
        except LOST as error:
            if not task.foreign:
                raise WorkError(f"{how(error)}; finished ranges are kept") from None
            yield Lost(how(error), again=False)
            yield GaveUp(task, how(error))


def _results(
    run: _Run, tasks: Iterable[Task], jobs: int, stuck: Stuck
) -> Generator[Done, None, None]:
    def arguments(task: Task) -> tuple[Any, ...]:
        more = (stuck[task.key],) if task.key in stuck else ()
        return task, run.folder, run.source, *more

    if jobs > 1:
        yield from parallel(jobs, ((work, *arguments(task)) for task in tasks), run.backend)
        return
    for task in tasks:
        if task.foreign and doing.page is not None:  # the command line: not a caller's process
            yield run.apart.call(work, *arguments(task))
        else:
            yield work(*arguments(task))


def _is_there(task: Task, folder: ResultsFolder) -> bool:
    return all(folder.exists(folder.of_part(part)) for part in names_of(task))


def _stored(run: _Run, task: Task) -> Outcome:
    """What became of a range of a user's method that was done unseen, from its part."""
    (part,) = names_of(task)
    rows = parts.read(run.folder, part, ("status",), parts.Whose.of(run.study))
    failed = rows["status"].ravel() == STATUS_OF[Failing.FAILED]
    return Outcome(failed, failures.first_failed(run.folder, part) if failed.any() else None)


def work(
    task: Task, folder: ResultsFolder, source: dict[str, Any], stuck: frozenset[int] = frozenset()
) -> Done:
    """Do one task and store its parts, unless another run has.

    `stuck` are numbers of calls of a user's method that are known not to end.
    """
    settle()
    end_if_orphaned()
    start = time.perf_counter()
    failed = first = None
    new = not _is_there(task, folder)
    if new and task.totals:
        store_totals(task, folder, source)
    elif new:
        keys = {piece.id: parts.key_text(piece.key) for piece in task.pieces}
        with timeouts.witness(task, folder, stuck):
            estimates = run_task(task)
        for part, names, of_part in parts_of(task, estimates):
            end_if_orphaned()
            about: dict[str, Any] = {"keys": {name: keys[name] for name in part.scenarios}}
            if task.foreign or any(of.extras for of in of_part):  # first: rows are the last
                about["beside"] = failures.write(folder, part, names, of_part)
                first = first or next(failures.failed(part, names, of_part), None)
            if not task.shared:
                about |= timeouts.noted(task, of_part[0])
            parts.write(folder, part, names, of_part, source | about)
        if not task.shared:
            failed = np.asarray(estimates[0].outcome == Failing.FAILED)
    seconds = round(time.perf_counter() - start, 4)
    return Done(task, seconds, failed, first, os.getpid(), new)
