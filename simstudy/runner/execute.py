"""Doing tasks, in this process or in workers, and keeping their parts.

A range that is done is on disk; an interruption loses no more than the ranges under way.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from contextlib import closing, nullcontext
from dataclasses import replace
from typing import Any

from simstudy.custom.generator import GENERATOR
from simstudy.custom.load import content_of
from simstudy.estimates import STATUS_OF
from simstudy.estimates import Outcome as Failing
from simstudy.runner import backends, belongs, same_bits, timeouts
from simstudy.runner.backends._backend import Backend, Needs
from simstudy.runner.events import Finished, GaveUp, Listener, Lost, Said, Started, WentOn
from simstudy.runner.persistence import Events, Run, Settle, persistently
from simstudy.runner.plan import names_of
from simstudy.runner.policy import FailurePolicy, Outcome
from simstudy.runner.provenance import decisive, provenance
from simstudy.runner.runlog import RunLog
from simstudy.runner.shards import Share, asked, log_of, planned
from simstudy.runner.task import Task, n_fits_of
from simstudy.store import failures, parts, quarantine, study_file
from simstudy.store.at_work import at_work
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.code import refuse_changed
from simstudy.study.study import Study


def execute(
    study: Study,
    folder: ResultsFolder,
    jobs: int | None = None,
    listen: Listener = lambda event: None,
    warn: Callable[[str], None] = warnings.warn,
    policy: FailurePolicy | None = None,
    backend: Backend | None = None,
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
        cores or what a cluster has, but this process when the work is small.
    listen : callable
        Told of every event.
    warn : callable
        Told, in one line, what was set aside, and of workers that were lost.
    policy : FailurePolicy, optional
        What becomes of methods that fail.
    backend : Backend, optional
        Where the work is done, opened; by default in processes of this machine.
    settle : callable
        Says how many replications each scenario has, as the rows that are there say by now.
    share : Share, optional
        What of the study is done; by default all of it.

    Returns
    -------
    int
        Number of fits that were missing and are there now.
    """
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
    opened = backends.opened() if backend is None else nullcontext(backend)
    with opened as workers, at_work(folder) as others, RunLog(folder, log_of(share)) as log:
        workers.meet(_needs(study, folder, source))
        run = Run(study, folder, source, jobs, workers, policy, set(), settle, others, share)
        events = _events(run, tasks)
        with closing(events), log.until_stopped():
            for event in events:
                log.hear(event)
                if isinstance(event, Said | Lost) and event.line:
                    warn(event.line)
                listen(event)
                policy.hear(event)
                if isinstance(event, Finished):
                    n_fits = event.n_fits
    return n_fits


def _needs(study: Study, folder: ResultsFolder, source: dict[str, Any]) -> Needs:
    """What workers elsewhere must have to make the study's rows."""
    sources = [method.source for method in study.own_methods]
    sources += [own.source for own in study.generators.values()]
    files = {one.digest: content_of(one.file) for one in sources if one.file}
    return Needs(folder, decisive(source), files)


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


def _events(run: Run, tasks: list[Task]) -> Events:
    """Do the tasks of a study, but those of methods that are given up."""
    begin = time.perf_counter()
    run = run.ready(tasks)
    n_fits, n_scenarios = asked(run.study, run.share)
    n_before = max(n_fits - n_fits_of(tasks), 0)  # some fits are done again
    yield Started(run.folder, tasks, run.jobs, run.source, n_before, n_scenarios)
    if not timeouts.are_kept(tasks, run.backend.ends_calls(run.jobs)):
        yield Said(
            "a timeout cannot end fits that run in a thread, or on this system: none is kept"
        )
    n_fits = 0
    while tasks:
        n_fits += n_fits_of(tasks)
        yield from _round(run, tasks)
        run, tasks = _more(run)
        if tasks:
            yield WentOn(tasks)
    n_left_out = run.policy.n_left_out
    seconds = round(time.perf_counter() - begin, 3)
    yield Finished(n_fits - n_left_out, n_left_out, seconds)


def _more(run: Run) -> tuple[Run, list[Task]]:
    """What is to be done next of the scenarios that go on, all of it at once.

    Of those of which something was given up it is not known whether they do.
    """
    while True:
        before, study = run.study, run.settle(run.study)
        on = [d for d in study.designs if study.n_reps(d.id) > before.n_reps(d.id)]
        if not on:
            return run, []
        run = run._replace(study=study)
        tasks = planned(replace(study, designs=tuple(on)), run.folder.held(), run.share)
        if tasks:  # else another run did them meanwhile
            return run.ready(tasks), tasks


def _round(run: Run, tasks: list[Task]) -> Events:
    """Do tasks, but those of methods that are given up."""
    policy = run.policy
    for turn in policy.turns(tasks):
        wanted = []
        for task in turn:
            if policy.gives_up(task):
                yield GaveUp(task)
            else:
                wanted.append(task)
        yield from persistently(run, wanted)
        for task in (task for task in wanted if not task.shared):
            is_seen = task.key in policy.seen
            policy.judge(task, policy.seen.pop(task.key) if is_seen else _stored(run, task))


def _stored(run: Run, task: Task) -> Outcome:
    """What became of a range of a user's method that was done unseen, from its part."""
    (part,) = names_of(task)
    rows = parts.read(run.folder, part, ("status",), parts.Whose.of(run.study))
    failed = rows["status"].ravel() == STATUS_OF[Failing.FAILED]
    return Outcome(failed, failures.first_failed(run.folder, part) if failed.any() else None)
