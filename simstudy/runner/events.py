"""What happens in a run, in the order in which it happens; whoever likes listens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from simstudy.moments import Bools
from simstudy.runner.task import Task, n_fits_of
from simstudy.store.failures import Failed
from simstudy.store.results_folder import ResultsFolder


class Started(NamedTuple):
    """A run began.

    Attributes
    ----------
    folder : ResultsFolder
        The study's own results folder.
    tasks : sequence of Task
        What is to be done, a range each.
    jobs : int
        Worker processes; 1 is the run's own.
    source : mapping
        The provenance of the rows to come.
    n_before, n_scenarios : int
        Fits that were there already, and scenarios, of all that this run is to complete.
    """

    folder: ResultsFolder
    tasks: Sequence[Task]
    jobs: int
    source: Mapping[str, Any]
    n_before: int = 0
    n_scenarios: int = 0

    @property
    def n_fits(self) -> int:
        """Fits that are to be done."""
        return n_fits_of(self.tasks)


class WentOn(NamedTuple):
    """Scenarios were not at their targets, and more ranges of them are to be done.

    Attributes
    ----------
    tasks : sequence of Task
        Beside those before.
    """

    tasks: Sequence[Task]

    @property
    def n_fits(self) -> int:
        """Fits that are to be done."""
        return n_fits_of(self.tasks)


class Done(NamedTuple):
    """A range is on disk.

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


class Lost(NamedTuple):
    """Workers were lost: how, whether all is tried again, and a line for people, if any."""

    reason: str
    again: bool
    line: str = ""


class GaveUp(NamedTuple):
    """A range is left out: why, or None where its method failed too often in a row."""

    task: Task
    reason: str | None = None


class Said(NamedTuple):
    """A line for people."""

    line: str


class Finished(NamedTuple):
    """A run ended: how many fits are there now, how many are left out, in which time."""

    n_fits: int
    n_left_out: int
    seconds: float


Event = Started | WentOn | Done | Lost | GaveUp | Said | Finished
Listener = Callable[[Event], None]
