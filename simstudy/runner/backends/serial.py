"""One call after another, in this process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from simstudy.custom import deadline, doing
from simstudy.errors import UserError
from simstudy.runner.apart import Apart
from simstudy.runner.backends._backend import Backend, Call, backend


class InProcess(Backend):
    """A backend that does without workers where there is one job.

    On the command line a user's code is called apart: the process is not the caller's own.
    """

    def __init__(self, scheduler: str | None = None) -> None:
        super().__init__(scheduler)
        self._apart = Apart()

    def close(self) -> None:
        """End the process for a user's code."""
        self._apart.close()

    def n_alone(self, jobs: int) -> int:
        """None where calls are made apart: a pool that starts anew after each costs a second."""
        return 1 if doing.page is not None else super().n_alone(jobs)

    def ends_calls(self, jobs: int) -> bool:
        """Where an alarm reaches them."""
        return deadline.possible()

    def _results(self, calls: Iterable[Call], jobs: int) -> Iterator[Any]:
        for call in calls:
            if call.foreign and doing.page is not None:
                yield self._apart.call(call.function, *call.arguments)
            else:
                yield call.made()


@backend
class Serial(InProcess):
    """The run's own process alone."""

    name = "serial"

    def n_jobs(self, asked: int | None, usual: int) -> int:
        """One."""
        return 1

    def n_here(self, asked: int | None) -> int:
        """None but this one, which a wish for more is told."""
        if asked not in (None, 1):
            raise UserError(f"jobs: backend serial has one job, and {asked} are asked for")
        return super().n_here(asked)
