"""Room 4: a task, plain data, and the pure function that does it.

Imports study.grid, generators, registry and estimates; no file, no clock, no process.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from simstudy.estimates import Estimates, concatenate
from simstudy.generators import streams
from simstudy.generators.scenario import Scenario
from simstudy.generators.source import Source
from simstudy.moments import Clusters, Moments, Pooled, Rows
from simstudy.numerics.gram import join
from simstudy.numerics.reduce import reduce
from simstudy.registry import GRAINS, Method
from simstudy.study.grid import Design


@dataclass(frozen=True, slots=True)
class Task:
    """Replications first..last (from 1) of some scenarios, for some methods."""

    seed: int
    pieces: tuple[Design, ...]
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


def _run_piece(task: Task, piece: Design) -> list[Estimates]:
    source = Source(piece.scenario, task.seed, piece.key)
    grains = [grain_of(method, piece.scenario, task.grain) for method in task.methods]
    fitted: list[list[Estimates]] = [[] for _ in task.methods]
    for grain in sorted(set(grains), key=GRAINS.index):
        mine = [k for k, held in enumerate(grains) if held == grain]
        for batch, start, stop in _batches(source, task, grain):
            coarse: Moments | None = None
            for k in mine:
                method = task.methods[k]
                if method.entry.grain == "rows":
                    found = concatenate([method.fit(chunk) for chunk in batch])
                else:
                    coarse = coarse or _coarse(batch)
                    found = method.fit(coarse)
                fitted[k].append(found.cut(start, stop))
    return [concatenate(pieces) for pieces in fitted]


def _batches(
    source: Source, task: Task, grain: str
) -> Iterator[tuple[list[Pooled | Clusters | Rows], int, int]]:
    """Chunks to fit together, and which of their replications the task wants."""
    number = streams.GRAIN[grain]
    chunk = streams.chunk_length(source.scenario, number)
    length = streams.batch_length(source.scenario, number)
    first, last = task.first - 1, task.last
    while first < last:
        end = min(last, (first // length + 1) * length)
        chunks = range(first // chunk, (end - 1) // chunk + 1)
        begin = chunks.start * chunk
        yield [source.moments(number, c, end - begin) for c in chunks], first - begin, end - begin
        first = end


def _coarse(batch: list[Pooled | Clusters | Rows]) -> Moments:
    """One batch of moments from chunks at any grain."""
    if isinstance(batch[0], Pooled):
        return batch[0]
    clusters = [reduce(chunk) if isinstance(chunk, Rows) else chunk for chunk in batch]
    return join([chunk for chunk in clusters if isinstance(chunk, Clusters)])
