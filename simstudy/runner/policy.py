"""What becomes of methods that fail: whether to go on, and what is left out.

Rows never depend on it: giving up leaves ranges out, and another run computes them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from simstudy.errors import WorkError, brief
from simstudy.estimates import Failure
from simstudy.moments import Bools
from simstudy.runner.events import Done, Event, GaveUp, Started
from simstudy.runner.task import Task
from simstudy.store.failures import Failed

GIVE_UP = 200  # failures of a method in a row
Key = tuple[Any, ...]  # of a task
Place = tuple[str, str]  # where failures are counted: a method, and a scenario or all ("")


class Outcome(NamedTuple):
    """What became of a user's method in a range: which fits failed, and the first failure."""

    failed: Bools
    first: Failed | None


class FailurePolicy:
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
        self._forget()

    def _forget(self) -> None:
        self.seen: dict[Key, Outcome] = {}  # of ranges of which nothing was judged yet
        self._left_out: Counter[Place] = Counter()
        self._lost: list[GaveUp] = []
        self._in_a_row: dict[Place, int] = defaultdict(int)
        self._last: dict[Place, Failed] = {}

    def hear(self, event: Event) -> None:
        """Note what happened."""
        match event:
            case Started():
                self._forget()
                self._folder = event.folder
            case Done(first=Failed() as first) if self.fail_fast:
                raise WorkError(
                    f"{first.method} failed in scenario {first.scenario}, replication "
                    f"{first.replication}: {brief(first.failure.message)} (traceback: python -m "
                    f"simstudy replay {self._folder} --scenario {first.scenario} --replication "
                    f"{first.replication})"
                )
            case Done(task, failed=failed) if failed is not None:
                self.seen[task.key] = Outcome(failed, event.first)
            case GaveUp(task, None):
                self._left_out[self._given_up_in(task)[0]] += task.n_fits
            case GaveUp(task, str() as reason):
                self._lost.append(event)
                place = task.pieces[0].id, task.first, _labels(task)
                failed = np.ones(task.n_fits, dtype=bool)
                self.seen[task.key] = Outcome(failed, Failed(*place, Failure(reason, "")))

    def turns(self, tasks: Sequence[Task]) -> list[list[Task]]:
        """Cut a plan where a user's method had `give_up` fits, twice, four times as many, ...

        So a turn is never long beside those before it, and there are few to wait for. Where
        turns end and what they are judged by is the plan and the rows alone, so what is given
        up is the same however many processes work at it.
        """
        turns: dict[int, list[Task]] = defaultdict(list)
        before: Counter[str] = Counter()
        for task in tasks:
            n_fits = before[task.kind] if self.give_up and task.kind else 0
            turns[(n_fits // self.give_up).bit_length() if n_fits else 0].append(task)
            before[task.kind] += task.n_fits
        return [turns[number] for number in sorted(turns)]

    def gives_up(self, task: Task) -> bool:
        """Whether a task's method failed too often, in the turns before."""
        return bool(self._given_up_in(task))

    def _given_up_in(self, task: Task) -> list[Place]:
        return [place for place in _places(task) if 0 < self.give_up <= self._in_a_row[place]]

    def judge(self, task: Task, outcome: Outcome) -> None:
        """Count failures in a row, tasks in the order of the plan."""
        worked = np.flatnonzero(~outcome.failed)
        for place in sorted({*_places(task)}.difference(self._given_up_in(task))):
            if worked.size:
                self._in_a_row[place] = outcome.failed.size - 1 - int(worked[-1])
            else:
                self._in_a_row[place] += outcome.failed.size
            if outcome.first is not None:
                self._last[place] = outcome.first

    @property
    def n_left_out(self) -> int:
        """Fits that are not computed."""
        return self._left_out.total() + sum(lost.task.n_fits for lost in self._lost)

    def given_up(self) -> list[str]:
        """What was left out and why, a line each."""
        lines = [
            f"{_labels(task)} in scenario {task.pieces[0].id}, replications {task.first} "
            f"to {task.last}: {reason}; its {task.n_fits} fits are not computed"
            for task, reason in sorted(self._lost, key=lambda lost: lost.task.key)
        ]
        for (method, scenario), n_fits in sorted(self._left_out.items()):
            message = self._last[method, scenario].failure.message
            where = f" in scenario {scenario}" if scenario else ""
            lines.append(
                f"gave up on {method}{where} after {self.give_up} failures in a row "
                f"({brief(message)}): {n_fits:,} of its fits are not computed; the "
                "same command tries them again, with --give-up 0 to the end"
            )
        return lines


def _labels(task: Task) -> str:
    return ", ".join(method.label for method in task.methods)


def _places(task: Task) -> list[Place]:
    """The method as a whole, and the one scenario; of a built-in method none."""
    if task.shared:
        return []
    label = task.methods[0].label
    return [(label, ""), (label, task.pieces[0].id)]
