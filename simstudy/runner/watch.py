"""What a run learns of its methods as it goes: whether to go on, and their pace.

Rows never depend on it: giving up leaves ranges out, and another run computes them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from simstudy.errors import WorkError, brief
from simstudy.estimates import Failure
from simstudy.moments import Bools
from simstudy.runner.plan import forecast, is_own, own_method
from simstudy.runner.task import Task
from simstudy.store.beside import Failed

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


class Outcome(NamedTuple):
    """What became of a user's method in a range.

    Attributes
    ----------
    failed : array of bool, shape (fits,)
        By replication.
    first : Failed or None
        The first failure.
    """

    failed: Bools
    first: Failed | None


Key = tuple[Any, ...]  # of a task


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
        self.under_way: set[Key] = set()
        self.seen: dict[Key, Outcome] = {}
        self._lost: list[tuple[Task, str]] = []
        self._in_a_row: dict[tuple[str, str], int] = defaultdict(int)
        self._last: dict[tuple[str, str], Failed] = {}

    def turns(
        self, tasks: Sequence[Task], stored: Callable[[Task], Outcome]
    ) -> Iterator[list[Task]]:
        """The tasks in turns, without those of methods that are given up after the turns before.

        Where turns end and what they judge by is the plan and the rows alone, so what is given
        up is the same however many processes work at it.

        Parameters
        ----------
        tasks : sequence of Task
        stored : callable
            What became of a task that was done unseen.
        """
        for counts in (self.left_out, self.under_way, self.seen, self._lost, self._in_a_row):
            counts.clear()
        for turn in _turns(tasks, self.give_up):
            wanted = []
            for task in turn:
                lost = next((place for place in _places(task) if self._is_lost(place)), None)
                if lost is None:
                    wanted.append(task)
                else:
                    self.left_out[lost] += task.n_fits
                    self.pace.drop(task)
            yield wanted
            for task in filter(is_own, wanted):
                self._judge(
                    task, self.seen.pop(task.key) if task.key in self.seen else stored(task)
                )

    def begun(self, tasks: Iterable[Task]) -> Iterator[Task]:
        """The tasks, each noted as under way when it is asked for."""
        for task in tasks:
            self.under_way.add(task.key)
            yield task

    def _is_lost(self, place: tuple[str, str]) -> bool:
        return 0 < self.give_up <= self._in_a_row[place]

    def see(self, done: Done, folder: Path) -> None:
        """Note what became of a task that is done."""
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
        self.seen[done.task.key] = Outcome(done.failed, done.first)

    def _judge(self, task: Task, outcome: Outcome) -> None:
        """Count failures in a row, tasks in the order of the plan."""
        worked = np.flatnonzero(~outcome.failed)
        for place in _places(task):
            if self._is_lost(place):
                continue
            if worked.size:
                self._in_a_row[place] = outcome.failed.size - 1 - int(worked[-1])
            else:
                self._in_a_row[place] += outcome.failed.size
            if outcome.first is not None:
                self._last[place] = outcome.first

    def lose(self, task: Task, reason: str) -> None:
        """Leave out a range of a user's method that ends the process it runs in."""
        self._lost.append((task, reason))
        one = Failed(task.pieces[0].id, task.first, task.methods[0].label, Failure(reason, ""))
        self.seen[task.key] = Outcome(np.ones(task.n_fits, dtype=bool), one)

    @property
    def n_left_out(self) -> int:
        """Fits that are not computed."""
        return self.left_out.total() + sum(task.n_fits for task, _ in self._lost)

    def given_up(self) -> list[str]:
        """What was left out and why, a line each."""
        lines = [
            f"{task.methods[0].label} in scenario {task.pieces[0].id}, replications {task.first} "
            f"to {task.last}: {reason}; its {task.n_fits} fits are not computed"
            for task, reason in sorted(self._lost, key=lambda lost: lost[0].key)
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


def _turns(tasks: Sequence[Task], give_up: int) -> list[list[Task]]:
    """Cut a plan where a user's method had `give_up` fits, twice, four times as many, ...

    So a turn is never long beside those before it, and there are few to wait for.
    """
    turns: dict[int, list[Task]] = defaultdict(list)
    before: Counter[str] = Counter()
    for task in tasks:
        n_fits = before[own_method(task)] if give_up and is_own(task) else 0
        turns[(n_fits // give_up).bit_length() if n_fits else 0].append(task)
        before[own_method(task)] += task.n_fits
    return [turns[number] for number in sorted(turns)]


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
