"""What tasks cost: a table of the study alone, and what was measured against it.

The table says whether workers pay for their start, and what the jobs of an array get. Measured
cost feeds the forecast of `plan` and the time left of a run, and nothing else: what is computed
never depends on it.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from simstudy.entries import GRAINS
from simstudy.generators import streams
from simstudy.runner.events import Done, Event, GaveUp, Started, WentOn
from simstudy.runner.process import cores
from simstudy.runner.task import Task, grain_of, run_task

_TASK, _SCENARIO = 2e-3, 1e-4  # seconds of each
# seconds a replication: of drawing, of a method; and the same a cluster
_TABLE = {
    "pooled": (1.5e-7, 2e-7, 0.0, 0.0),
    "clusters": (1e-6, 0.0, 8e-8, 8e-8),
    "rows": (1e-6, 0.0, 8e-8, 8e-8),
}
_UNIT = 2.5e-8  # a unit that is drawn
_OWN = {"rows": 1e-3, "clusters": 1e-5}  # of drawing by a user's generator
_DRAWS = 3e-6  # a cluster, of a method that draws itself

_IN_PROCESS = 3.0  # seconds of work below which workers do not pay for their start

Kind = tuple[object, ...]


def rough(tasks: Iterable[Task]) -> float:
    """Rough seconds of work in tasks, in one process: what the table says."""
    return sum(_rough(task) for task in tasks)


def default_jobs(tasks: Sequence[Task]) -> int:
    """All cores, or this process alone where workers would not pay for their start."""
    return 1 if rough(tasks) < _IN_PROCESS else min(cores(), len(tasks))


def _rough(task: Task) -> float:
    n_draw = sum(method.entry.draws for method in task.methods)
    n_methods = len(task.methods) - n_draw
    seconds = _TASK
    for piece in task.pieces:
        scenario = piece.scenario
        grain = max((grain_of(m, scenario, task.grain) for m in task.methods), key=GRAINS.index)
        drawing, fit, drawing_cluster, fit_cluster = _TABLE[grain]
        a_cluster = drawing_cluster + fit_cluster * n_methods + _DRAWS * n_draw
        each = drawing + fit * n_methods + a_cluster * scenario.n_clusters
        each += _UNIT * scenario.mean_n_obs * (grain == "rows")
        if scenario.generator is not None:
            each += _OWN.get(scenario.generator.grain, 0.0)
        # rounded once, so the same by every version of Python: shares are dealt by it
        each += math.fsum(method.entry.seconds.get(grain, 0.0) for method in task.methods)
        seconds += _SCENARIO + task.n_reps * each
    return seconds


def kinds_of(task: Task) -> Iterator[Kind]:
    """What tasks cost alike: a method of one's own, or all others, on one shape; on any."""
    yield task.kind, task.pieces[0].scenario.shape
    yield (task.kind,)


def affordable(task: Task, seconds: float, most: int, least: int = 1) -> Task:
    """As many replications with a user's code as some seconds hold, in whole calls.

    Parameters
    ----------
    most, least : int
        Replications; the least where each has a call of its own.
    """
    scenario, method, call = task.pieces[0].scenario, task.methods[0], least
    if method.grain != "rows":
        number = streams.GRAIN[grain_of(method, scenario, task.grain)]
        call = min(streams.call_length(scenario, number, method.entry.part), most)
    start = time.perf_counter()
    run_task(task.only(1, call))
    each = (time.perf_counter() - start) / call
    room = min(seconds / max(each, 1e-7), most)
    return task.only(1, call * max(1, int(room / call)))


class Cost:
    """Seconds of tasks: the table's, scaled by what tasks of their kind took.

    So fast fits promise nothing for slow ones.
    """

    def __init__(self) -> None:
        self._spent: dict[Kind, float] = defaultdict(float)
        self._rough: dict[Kind, float] = defaultdict(float)

    def learn(self, task: Task, seconds: float) -> None:
        """Note what a task took."""
        for kind in kinds_of(task):
            self._spent[kind] += seconds
            self._rough[kind] += rough([task])

    def of(self, task: Task, share: float | None = None) -> float | None:
        """Seconds of a task, or of so much by the table; None before its method was timed."""
        share = rough([task]) if share is None else share
        for kind in kinds_of(task):
            if kind in self._rough:
                return share * self._spent[kind] / self._rough[kind]
        return None


class Pace:
    """Time left of a run, from what its tasks so far took."""

    def __init__(self) -> None:
        self._jobs = 1
        self._cost = Cost()
        self._left: dict[Kind, tuple[Task, float]] = {}

    def hear(self, event: Event) -> float | None:
        """Seconds left after an event; None before every kind of method was timed."""
        match event:
            case Started(_, tasks, jobs):
                self._jobs, self._left = jobs, {}
                for task in tasks:
                    self._add(task, 1)
            case WentOn(tasks):
                for task in tasks:
                    self._add(task, 1)
            case GaveUp(task):
                self._add(task, -1)
            case Done(task, seconds):
                self._add(task, -1)
                if event.new:
                    self._cost.learn(task, seconds)
        seconds_left = [self._cost.of(*left) for left in self._left.values() if left[1] > 1e-9]
        known = [seconds for seconds in seconds_left if seconds is not None]
        return sum(known) / self._jobs if len(known) == len(seconds_left) else None

    def _add(self, task: Task, sign: int) -> None:
        kind = next(kinds_of(task))
        _, left = self._left.get(kind, (task, 0.0))
        self._left[kind] = task, left + sign * rough([task])
