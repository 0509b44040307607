"""Doing tasks to the end though workers are lost.

What was done is on disk; what is missing is done again, in the end one range at a time, so that
a user's code that ends its process is known and left out.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from typing import Any, NamedTuple

from simstudy.errors import WorkError
from simstudy.runner import timeouts
from simstudy.runner.backends._backend import Backend, Call, LostError, NoWorkersError
from simstudy.runner.cost import default_jobs
from simstudy.runner.events import Done, Event, GaveUp, Lost, Said
from simstudy.runner.policy import FailurePolicy, Key
from simstudy.runner.shards import Share
from simstudy.runner.task import Task
from simstudy.runner.todo import Todo
from simstudy.runner.work import is_there, work
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.study import Study

_TRIES = 3  # pools of workers in a row that die without finishing a range
Stuck = dict[Key, frozenset[int]]  # of a task: the calls that did not end at their deadline
Settle = Callable[[Study], Study]
Events = Generator[Event, None, None]


class Run(NamedTuple):
    """What stays the same from the first task of a round to its last."""

    study: Study
    folder: ResultsFolder
    source: dict[str, Any]
    asked_jobs: int | None
    backend: Backend
    policy: FailurePolicy
    under_way: set[Key]
    settle: Settle
    others: Callable[[], bool]
    share: Share | None
    jobs: int = 1

    def ready(self, tasks: list[Task]) -> Run:
        """The same with as many workers as these tasks are worth."""
        asked = int(self.asked_jobs) if self.asked_jobs else None
        return self._replace(jobs=min(self.backend.n_jobs(asked, default_jobs(tasks)), len(tasks)))


def persistently(run: Run, tasks: list[Task]) -> Events:
    """Do tasks; where workers are lost, what is still missing with fresh ones."""
    lost, jobs, whole = 0, run.jobs, tasks
    stuck: Stuck = defaultdict(frozenset)
    while tasks and lost < _TRIES:
        try:
            with closing(_shared(run, tasks, jobs, stuck, again=lost > 0)) as results:
                for done in results:
                    lost = 0
                    yield done
            return
        except NoWorkersError as error:
            yield Said(f"{error}; going on in one process")
            tasks, jobs = _left(run, whole), 1
        except LostError as error:
            tasks = _left(run, whole)
            timed_out = _timed_out(run, tasks, stuck)
            if timed_out:
                yield Lost(timed_out[0], again=True)
                yield from timed_out[1]
                tasks = _left(run, whole)
                continue
            lost += error.tries
            fresh = f"{error}; going on with fresh workers"
            tasks.sort(key=lambda task: task.key in run.under_way)  # at fault: last
            if lost < _TRIES:
                yield Lost(str(error), True, f"{fresh} (try {lost + 1} of {_TRIES})")
            elif not tasks[-1].foreign:
                yield Lost(str(error), again=False)
                raise WorkError(
                    f"{error}: {lost} times in a row, nothing finished in between; "
                    "finished ranges are kept, and fewer --jobs need less memory"
                ) from None
            else:
                yield Lost(str(error), False, f"{fresh} (one range at a time)")
            run.under_way.clear()
            if lost > 1:
                jobs = max(2, jobs // 2) if jobs > 1 else 1
    yield from _one_by_one(run, tasks, jobs, stuck)


def _shared(
    run: Run, tasks: list[Task], jobs: int, stuck: Stuck, again: bool
) -> Generator[Done, None, None]:
    """Do tasks, but those that other runs make meanwhile."""
    others = _nobody if again else run.others  # the order says who is at fault, then
    todo = Todo(tasks, run.folder, others)
    with closing(_results(run, _begun(run, todo), jobs, stuck)) as results:
        for done in results:
            run.under_way.discard(done.task.key)
            yield done
            for task in todo.look(met=not done.new):
                yield Done(task, 0.0, worker=os.getpid(), new=False)


def _nobody() -> bool:
    return False


def _begun(run: Run, tasks: Iterable[Task]) -> Iterator[Task]:
    """The tasks, each noted as under way when it is asked for."""
    for task in tasks:
        run.under_way.add(task.key)
        yield task


def _left(run: Run, tasks: list[Task]) -> list[Task]:
    """Tasks that are not done, and not lost."""
    seen = run.policy.seen
    return [task for task in tasks if task.key not in seen and not is_there(task, run.folder)]


def _timed_out(run: Run, tasks: list[Task], stuck: Stuck) -> tuple[str, list[GaveUp]] | None:
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


def _one_by_one(run: Run, tasks: list[Task], jobs: int, stuck: Stuck) -> Events:
    """Every task by itself, so that a user's code that ends its process is known and left out."""
    for task in tasks:
        n_workers = run.backend.n_alone(jobs) if task.foreign else min(jobs, 2)
        try:
            with closing(_results(run, [task], n_workers, stuck)) as results:
                yield from results
        except LostError as error:
            if not task.foreign:
                raise WorkError(f"{error}; finished ranges are kept") from None
            yield Lost(str(error), again=False)
            yield GaveUp(task, str(error))


def _results(
    run: Run, tasks: Iterable[Task], jobs: int, stuck: Stuck
) -> Generator[Done, None, None]:
    def call(task: Task) -> Call:
        more = (stuck[task.key],) if task.key in stuck else ()
        return Call(work, (task, run.folder, run.source, *more), task.foreign)

    yield from run.backend.results(map(call, tasks), jobs)
