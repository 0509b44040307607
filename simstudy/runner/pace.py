"""Time left of a run, from what its tasks so far took."""

from __future__ import annotations

from collections import defaultdict

from simstudy.runner.events import Done, Event, GaveUp, Started
from simstudy.runner.plan import forecast, own_method


class Pace:
    """What tasks so far took scales the rough forecast of those to come.

    The built-in methods are one kind, every method of the user's is one, so that fast fits
    promise nothing for slow ones.
    """

    def __init__(self) -> None:
        self._jobs = 1
        self._left: dict[str, float] = defaultdict(float)
        self._spent: dict[str, float] = defaultdict(float)
        self._rough: dict[str, float] = defaultdict(float)

    def hear(self, event: Event) -> float | None:
        """Seconds left after an event; None before every kind of method was timed."""
        match event:
            case Started(_, tasks, jobs):
                self._jobs = jobs
                self._left.clear()
                for task in tasks:
                    self._left[own_method(task)] += forecast([task])
            case GaveUp(task):
                self._left[own_method(task)] -= forecast([task])
            case Done(task, seconds):
                kind, rough = own_method(task), forecast([task])
                self._left[kind] -= rough
                self._spent[kind] += seconds
                self._rough[kind] += rough
        left = 0.0
        for kind, rough in self._left.items():
            if rough > 1e-9:
                if kind not in self._rough:
                    return None
                left += rough * self._spent[kind] / self._rough[kind]
        return left / self._jobs
