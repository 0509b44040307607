"""A task, plain data, and the pure function that does it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from simstudy.estimates import Estimates, concatenate
from simstudy.generators import streams
from simstudy.generators.scenario import Scenario
from simstudy.generators.source import Source
from simstudy.moments import Clusters, Moments, Pooled, Rows
from simstudy.numerics.batches import cut, cut_rows, join, reps_of
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
    def key(self) -> tuple[str, int, tuple[str, ...]]:
        """What tells it from the other tasks of a run."""
        return self.pieces[0].id, self.first, tuple(m.canonical for m in self.methods)

    @property
    def n_fits(self) -> int:
        """Fits in the task."""
        return (self.last - self.first + 1) * len(self.pieces) * len(self.methods)


def grain_of(method: Method, scenario: Scenario, pinned: str | None) -> str:
    """The grain a method is fitted to: pinned, or the coarsest that both sides have."""
    if pinned is not None:
        return pinned
    return max(method.grain, scenario.first_grain, key=GRAINS.index)


def run_task(task: Task) -> list[Estimates]:
    """Draw the data and fit every method to that same data.

    Returns
    -------
    list of Estimates
        One a method, scenario after scenario, first..last in each.
    """
    groups = [_run_group(task, pieces) for pieces in _alike(task)]
    return [concatenate(list(of_method)) for of_method in zip(*groups, strict=True)]


def _alike(task: Task) -> Iterator[list[Design]]:
    """Pieces to fit in one go: neighbours of one shape whose ranges are short.

    A hundred replications cost no more than the calls that fit them.
    """
    group: list[Design] = []
    for piece in task.pieces:
        width = _width(task, piece.scenario)
        same = group and piece.scenario.shape == group[0].scenario.shape
        if group and not (same and len(group) < width):
            yield group
            group = []
        group.append(piece)
    yield group


def _width(task: Task, scenario: Scenario) -> int:
    """How many scenarios like this one make a batch; 1 where a range is no single batch."""
    if any(method.entry.draws for method in task.methods):
        return 1
    most = 1 << 62
    for grain in _grains(task, scenario):
        number = streams.GRAIN[grain]
        length = streams.batch_length(scenario, number)
        if grain == "rows" or (task.first - 1) // length != (task.last - 1) // length:
            return 1
        most = min(most, length // (task.last - task.first + 1))
    return max(most, 1)


def _grains(task: Task, scenario: Scenario) -> list[str]:
    """The grain each method is fitted to."""
    return [grain_of(method, scenario, task.grain) for method in task.methods]


def _run_group(task: Task, pieces: list[Design]) -> list[Estimates]:
    sources = [Source(piece.scenario, task.seed, piece.key) for piece in pieces]
    grains = _grains(task, pieces[0].scenario)
    fitted: list[list[Estimates]] = [[] for _ in task.methods]
    for grain in sorted(set(grains), key=GRAINS.index):
        mine = [k for k, held in enumerate(grains) if held == grain]
        raw = any(task.methods[k].grain == "rows" for k in mine)
        drawn = (_batches(source, task, grain, raw) for source in sources)
        for batches in zip(*drawn, strict=True):
            batch = _beside(batches)
            coarse: Moments | None = None
            for k in mine:
                method = task.methods[k]
                if method.grain == "rows":
                    fitted[k].append(_framewise(method, batch, task, pieces[0]))
                    continue
                if method.entry.draws:
                    found = _drawing(method, batch, task, pieces[0])
                else:
                    coarse = coarse or _coarse(batch.chunks)
                    if method.use is not None:
                        fitted[k].append(_callwise(method, coarse, batch, task, pieces[0], grain))
                        continue
                    found = method.fit(coarse)
                fitted[k].append(found.cut(batch.start, batch.stop))
    return [concatenate(batches) for batches in fitted]


class _Batch(NamedTuple):
    """Chunks to fit together, their first replication, and which of them the task wants."""

    chunks: list[Pooled | Clusters | Rows]
    begin: int
    start: int
    stop: int


def _beside(batches: tuple[_Batch, ...]) -> _Batch:
    """What the task wants of several scenarios' batches as one."""
    if len(batches) == 1:
        return batches[0]
    spans = [(batch.start, batch.stop) for batch in batches]
    whole = join([_coarse(batch.chunks) for batch in batches], spans)
    return _Batch([whole], 0, 0, sum(stop - start for start, stop in spans))


def _batches(source: Source, task: Task, grain: str, raw: bool) -> Iterator[_Batch]:
    """Batches of one scenario; rows that no method asks for are reduced as they are drawn."""
    number = streams.GRAIN[grain]
    chunk = streams.chunk_length(source.scenario, number)
    length = streams.batch_length(source.scenario, number)
    first, last = task.first - 1, task.last
    while first < last:
        end = min(last, (first // length + 1) * length)
        chunks = range(first // chunk, (end - 1) // chunk + 1)
        begin = chunks.start * chunk
        drawn = (source.moments(number, c, end - begin) for c in chunks)
        held = [moments if raw else _reduced(moments) for moments in drawn]
        yield _Batch(held, begin, first - begin, end - begin)
        first = end


def _callwise(
    method: Method, moments: Moments, batch: _Batch, task: Task, piece: Design, grain: str
) -> Estimates:
    """Fit a user's function to moments: whole calls, as many as hold what is wanted."""
    number = streams.GRAIN[grain]
    length = streams.call_length(piece.scenario, number, method.entry.part)
    first = batch.start // length * length

    def one(at: int) -> Estimates:
        words = streams.words_of(
            method.canonical, piece.scenario, task.seed, piece.key, batch.begin + at, 1
        )
        return method.fit(cut(moments, at, at + length), words=words)

    calls = [one(at) for at in range(first, batch.stop, length)]
    return concatenate(calls).cut(batch.start - first, batch.stop - first)


def _framewise(method: Method, batch: _Batch, task: Task, piece: Design) -> Estimates:
    """Fit a method that reads units: to the replications that are wanted, and no others."""
    found: list[Estimates] = []
    done, at = 0, batch.begin
    for chunk in batch.chunks:
        assert isinstance(chunk, Rows)
        n_reps = reps_of(chunk)
        first, last = max(batch.start - done, 0), min(batch.stop - done, n_reps)
        if first < last:
            words = streams.words_of(
                method.canonical, piece.scenario, task.seed, piece.key, at + first, last - first
            )
            found.append(method.fit(cut_rows(chunk, first, last), words=words))
        done, at = done + n_reps, at + n_reps
    return concatenate(found)


def _drawing(method: Method, batch: _Batch, task: Task, piece: Design) -> Estimates:
    """Fit a method that draws, chunk by chunk, each with the words of its replications."""
    found: list[Estimates] = []
    at = batch.begin
    for chunk in batch.chunks:
        moments = _reduced(chunk)
        words = streams.words_of(
            method.canonical, piece.scenario, task.seed, piece.key, at, moments.n_reps
        )
        found.append(method.fit(moments, words=words))
        at += moments.n_reps
    return concatenate(found)


def _reduced(chunk: Pooled | Clusters | Rows) -> Moments:
    return reduce(chunk) if isinstance(chunk, Rows) else chunk


def _coarse(chunks: list[Pooled | Clusters | Rows]) -> Moments:
    """One batch of moments from chunks at any grain."""
    return join([_reduced(chunk) for chunk in chunks])
