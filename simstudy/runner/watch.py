"""Room 4: what a run learns of its methods as it goes: their failures and their pace.

Imports task, plan, store.beside and errors. Rows never depend on it: giving up leaves ranges
out, and another run computes them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from simstudy.errors import WorkError, brief
from simstudy.estimates import Failure
from simstudy.moments import Bools
from simstudy.runner.plan import forecast, is_own, own_method
from simstudy.runner.task import Task
from simstudy.store import beside
from simstudy.store.beside import Failed
from simstudy.study.study import Study

GIVE_UP = 200  # failures of a method in a row


class Done(NamedTuple):
    """A range that is on disk.

    Attributes
    ----------
    task : Task
    seconds : float
        The worker's.
    failed : array of bool, shape (fits,), or None
        By replication; of a user's method.
    first : Failed or None
        The first failure.
    worker : int
        Its process.
    new : bool
        False where another run had made it already.
    """

    task: Task
    seconds: float
    failed: Bools | None = None
    first: Failed | None = None
    worker: int = 0
    new: bool = True

    @property
    def n_fits(self) -> int:
        """Fits of the range."""
        return self.task.n_fits

    def as_logged(self) -> dict[str, Any]:
        """What the run log says of it."""
        task = self.task
        return {
            "first": task.first,
            "last": task.last,
            "replications": (task.last - task.first + 1) * len(task.pieces),
            "scenarios": [piece.id for piece in task.pieces],
            "methods": [method.canonical for method in task.methods],
            "worker": self.worker,
            "seconds": self.seconds,
            "new": self.new,
        } | ({} if self.failed is None else {"failed": int(self.failed.sum())})


class Watch:
    """Stops at the first failure, or gives up on a method that only fails.

    Parameters
    ----------
    fail_fast : bool
        Raise `WorkError` at the first failure.
    give_up : int
        Failures in a row, of all its fits or of those in one scenario, after which no more
        of a method's ranges are begun; 0 never gives up.
    """

    def __init__(self, fail_fast: bool = False, give_up: int = GIVE_UP) -> None:
        self.fail_fast = fail_fast
        self.give_up = give_up
        self.left_out: Counter[tuple[str, str]] = Counter()
        self.pace = Pace()
        self.under_way: set[tuple[Any, ...]] = set()
        self._lost: list[tuple[Task, str]] = []
        self._in_a_row: dict[tuple[str, str], int] = defaultdict(int)
        self._last: dict[tuple[str, str], Failed] = {}

    def wanted(self, tasks: Sequence[Task], jobs: int) -> Iterator[Task]:
        """The tasks, but those of methods that were given up by the time they come."""
        self.left_out.clear()
        self.under_way.clear()
        self._lost.clear()
        self.pace.begin(tasks, jobs)
        for task in tasks:
            lost = next((place for place in _places(task) if self._is_lost(place)), None)
            if lost is None:
                self.under_way.add(task.key)
                yield task
            else:
                self.left_out[lost] += task.n_fits
                self.pace.drop(task)

    def _is_lost(self, place: tuple[str, str]) -> bool:
        return 0 < self.give_up <= self._in_a_row[place]

    def see(self, done: Done, folder: Path) -> None:
        """Count the failures of a task that is done."""
        self.under_way.discard(done.task.key)
        if done.failed is None:
            return
        if self.fail_fast and done.first is not None:
            one = done.first
            raise WorkError(
                f"{one.method} failed in scenario {one.scenario}, replication {one.replication}: "
                f"{brief(one.failure.message)} (traceback: python -m simstudy replay {folder} "
                f"--scenario {one.scenario} --replication {one.replication})"
            )
        worked = np.flatnonzero(~done.failed)
        for place in _places(done.task):
            if self._is_lost(place):
                continue
            if worked.size:
                self._in_a_row[place] = done.failed.size - 1 - int(worked[-1])
            else:
                self._in_a_row[place] += done.failed.size
            if done.first is not None:
                self._last[place] = done.first

    def lose(self, task: Task, reason: str) -> None:
        """Leave out a range of a user's method that ends the process it runs in."""
        self._lost.append((task, reason))
        one = Failed(task.pieces[0].id, task.first, task.methods[0].label, Failure(reason, ""))
        for place in _places(task):
            self._in_a_row[place] += task.n_fits
            self._last[place] = one

    @property
    def n_left_out(self) -> int:
        """Fits that are not computed."""
        return self.left_out.total() + sum(task.n_fits for task, _ in self._lost)

    def given_up(self) -> list[str]:
        """What was left out and why, a line each."""
        lines = [
            f"{task.methods[0].label} in scenario {task.pieces[0].id}, replications {task.first} "
            f"to {task.last}: {reason}; its {task.n_fits} fits are not computed"
            for task, reason in self._lost
        ]
        for (method, scenario), n_fits in sorted(self.left_out.items()):
            one = self._last[method, scenario]
            where = f" in scenario {scenario}" if scenario else ""
            lines.append(
                f"gave up on {method}{where} after {self.give_up} failures in a row "
                f"({brief(one.failure.message)}): {n_fits:,} of its fits are not computed; the "
                "same command tries them again, with --give-up 0 to the end"
            )
        return lines


def _places(task: Task) -> list[tuple[str, str]]:
    """Where failures are counted: the method as a whole, and in one scenario; ours nowhere."""
    if not is_own(task):
        return []
    label = task.methods[0].label
    return [(label, ""), (label, task.pieces[0].id)]


class Pace:
    """Time left, from what the tasks so far took.

    Tasks that are done scale the rough forecast of those to come: the built-in methods as
    one kind, every method of the user's as one, so that fast fits promise nothing for slow ones.
    """

    def __init__(self, tasks: Iterable[Task] = (), jobs: int = 1) -> None:
        self._left: dict[str, float] = defaultdict(float)
        self._spent: dict[str, float] = defaultdict(float)
        self._rough: dict[str, float] = defaultdict(float)
        self.begin(tasks, jobs)

    def begin(self, tasks: Iterable[Task], jobs: int) -> None:
        """What is to be done from here on; the pace so far is kept."""
        self._jobs = jobs
        self._left.clear()
        for task in tasks:
            self._left[own_method(task)] += forecast([task])

    def drop(self, task: Task) -> None:
        """A task that will not be done."""
        self._left[own_method(task)] -= forecast([task])

    def see(self, done: Done) -> float | None:
        """Seconds left after this task; None before every kind of method was timed."""
        kind, rough = own_method(done.task), forecast([done.task])
        self._left[kind] -= rough
        self._spent[kind] += done.seconds
        self._rough[kind] += rough
        left = 0.0
        for kind, rough in self._left.items():
            if rough > 1e-9:
                if kind not in self._rough:
                    return None
                left += rough * self._spent[kind] / self._rough[kind]
        return left / self._jobs


def failures(study: Study, folder: Path) -> list[str]:
    """A line for each method that has failures among the rows that a study summarises."""
    if all(method.use is None for method in study.methods):
        return []
    table = beside.read(study, folder, beside.FAILURES)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in table.select(["method", "message"]).to_pylist():
        counts[row["method"]][row["message"]] += 1
    n_fits = len(study.designs) * study.replications
    lines = []
    for method, messages in counts.items():
        ((often, count),) = messages.most_common(1)
        lines.append(
            f"{method}: {messages.total():,} of {n_fits:,} fits failed, {count:,} of them with: "
            f"{brief(often)} (all in {folder / beside.FAILURES}; replay shows one)"
        )
    return lines
