"""How far a run is, of the whole study: fits, scenarios, failures, time left."""

from __future__ import annotations

import time
from collections import Counter

from simstudy.runner.cost import Pace
from simstudy.runner.events import Done, Event, Finished, Started, WentOn


class Tally:
    """Counts what events tell; what was there before the run counts as done.

    Attributes
    ----------
    n_fits, n_done, n_scenarios : int
        Of the study, or of the share of it that this run has.
    n_failed : int
        Fits of a user's methods that failed in this run.
    seconds_left : float or None
        None before every kind of method was timed.
    """

    def __init__(self) -> None:
        self.n_fits = self.n_done = self.n_scenarios = self.n_failed = 0
        self.seconds_left: float | None = None
        self._pace = Pace()
        self._ranges_left: Counter[str] = Counter()
        self._begin, self._n_before, self._n_made = time.monotonic(), 0, 0

    @property
    def n_scenarios_done(self) -> int:
        """Scenarios of which nothing is missing."""
        return self.n_scenarios - len(self._ranges_left)

    @property
    def rate(self) -> float:
        """Fits a second, of this run; not what another made beside it."""
        return self._n_made / max(time.monotonic() - self._begin, 1e-9)

    def hear(self, event: Event) -> None:
        """Count what happened."""
        self.seconds_left = self._pace.hear(event)
        match event:
            case Started(_, tasks):
                self.n_done = self._n_before = event.n_before
                self.n_fits = event.n_before + event.n_fits
                ids = [piece.id for task in tasks for piece in task.pieces]
                self._ranges_left = Counter(ids)
                self.n_scenarios = max(event.n_scenarios, len(self._ranges_left))
                self._begin, self.n_failed, self._n_made = time.monotonic(), 0, 0
            case WentOn(tasks):
                self.n_fits += event.n_fits
                self._ranges_left.update(piece.id for task in tasks for piece in task.pieces)
            case Done(task):
                self.n_done += task.n_fits
                self._n_made += task.n_fits * event.new
                self.n_failed += 0 if event.failed is None else int(event.failed.sum())
                for piece in task.pieces:
                    self._ranges_left[piece.id] -= 1
                    if self._ranges_left[piece.id] < 1:
                        del self._ranges_left[piece.id]
            case Finished():
                self.n_done = self._n_before + event.n_fits
