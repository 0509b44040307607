"""Room 4: a task, plain data, and the pure function that does it.

Imports generators, registry and estimates; no file, no clock, no process.
"""

from __future__ import annotations

from dataclasses import dataclass

from simstudy.estimates import Estimates, concatenate
from simstudy.generators import streams
from simstudy.generators.scenario import Scenario
from simstudy.generators.source import Source
from simstudy.moments import Rows
from simstudy.numerics.reduce import reduce
from simstudy.registry import GRAINS, Method


@dataclass(frozen=True, slots=True)
class Piece:
    """One scenario of a task."""

    id: str
    key: int
    scenario: Scenario


@dataclass(frozen=True, slots=True)
class Task:
    """Replications first..last (from 1) of some scenarios, for some methods."""

    seed: int
    pieces: tuple[Piece, ...]
    first: int
    last: int
    methods: tuple[Method, ...]
    grain: str | None = None

    @property
    def n_fits(self) -> int:
        """Fits in the task."""
        return (self.last - self.first + 1) * len(self.pieces) * len(self.methods)


def grain_of(method: Method, scenario: Scenario, pinned: str | None) -> str:
    """The grain a method is fitted to: pinned, or the coarsest that both sides have."""
    if pinned is not None:
        return pinned
    return max(method.entry.grain, scenario.first_grain, key=GRAINS.index)


def run_task(task: Task) -> list[Estimates]:
    """Draw the data and fit every method to that same data.

    Returns
    -------
    list of Estimates
        One a method, scenario after scenario, first..last in each.
    """
    pieces = [_run_piece(task, piece) for piece in task.pieces]
    return [concatenate(list(of_method)) for of_method in zip(*pieces, strict=True)]


def _run_piece(task: Task, piece: Piece) -> list[Estimates]:
    source = Source(piece.scenario, task.seed, piece.key)
    grains = [grain_of(method, piece.scenario, task.grain) for method in task.methods]
    batches: list[list[Estimates]] = [[] for _ in task.methods]
    for grain in sorted(set(grains), key=GRAINS.index):
        number = streams.GRAIN[grain]
        length = streams.chunk_length(piece.scenario, number)
        for chunk in range((task.first - 1) // length, (task.last - 1) // length + 1):
            begin = chunk * length
            start, stop = max(0, task.first - 1 - begin), min(length, task.last - begin)
            moments = source.moments(number, chunk, stop)
            for k, method in enumerate(task.methods):
                if grains[k] == grain:
                    read = moments
                    if isinstance(moments, Rows) and method.entry.grain != "rows":
                        read = reduce(moments)
                    batches[k].append(method.fit(read).cut(start, stop))
    return [concatenate(batch) for batch in batches]
