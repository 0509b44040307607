"""A task, plain data, and the pure function that does it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from simstudy.custom.own_source import OwnSource, joined
from simstudy.entries import GRAINS
from simstudy.estimates import Estimates, concatenate
from simstudy.generators import streams
from simstudy.generators.scenario import Scenario
from simstudy.moments import Units
from simstudy.numerics.reduce import reduce
from simstudy.registry import Method
from simstudy.runner.fitting import Batch, Span, beside, fitted
from simstudy.study.drawing import DataSource, source_of
from simstudy.study.grid import Design


@dataclass(frozen=True, slots=True)
class Task:
    """Replications first..last (from 1) of some scenarios, for some methods.

    Attributes
    ----------
    alphas : tuple of float
        Levels of the tests, where totals are wanted; where there are none, it is rows.
    reference : Method, optional
        With which methods in totals are compared; it is fitted with them.
    """

    seed: int
    pieces: tuple[Design, ...]
    first: int
    last: int
    methods: tuple[Method, ...]
    grain: str | None = None
    alphas: tuple[float, ...] = ()
    reference: Method | None = None

    @property
    def key(self) -> tuple[str, int, tuple[str, ...]]:
        """What tells it from the other tasks of a run."""
        kind = ("totals",) if self.totals else ()
        return self.pieces[0].id, self.first, (*kind, *(m.canonical for m in self.methods))

    @property
    def totals(self) -> bool:
        """Whether totals are wanted."""
        return bool(self.alphas)

    @property
    def shared(self) -> bool:
        """Whether methods share it whose cost is known; else one has it to itself."""
        return self.methods[0].entry.shared

    @property
    def foreign(self) -> bool:
        """Whether it runs a user's code, that of a method or of a generator."""
        drawn = any(piece.scenario.generator is not None for piece in self.pieces)
        return drawn or not self.shared

    @property
    def kind(self) -> str:
        """What is timed as one: canonical name of a method alone, empty for those that share."""
        return "" if self.shared else self.methods[0].canonical

    @property
    def n_reps(self) -> int:
        """Replications of each scenario."""
        return self.last - self.first + 1

    @property
    def n_fits(self) -> int:
        """Fits in the task."""
        return self.n_reps * len(self.pieces) * len(self.methods)

    def only(self, first: int, last: int) -> Task:
        """Other replications of the same."""
        return replace(self, first=first, last=last)


def n_fits_of(tasks: Iterable[Task]) -> int:
    """Fits in several tasks."""
    return sum(task.n_fits for task in tasks)


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
    if scenario.generator is not None or any(method.entry.draws for method in task.methods):
        return 1
    most = 1 << 62
    for grain in _grains(task, scenario):
        number = streams.GRAIN[grain]
        length = streams.batch_length(scenario, number)
        if grain == "rows" or (task.first - 1) // length != (task.last - 1) // length:
            return 1
        most = min(most, length // task.n_reps)
    return max(most, 1)


def _grains(task: Task, scenario: Scenario) -> list[str]:
    """The grain each method is fitted to."""
    return [grain_of(method, scenario, task.grain) for method in task.methods]


def _run_group(task: Task, pieces: list[Design]) -> list[Estimates]:
    estimates: list[list[Estimates]] = [[] for _ in task.methods]
    for batch, chosen in _batches(task, pieces):
        for k in chosen:
            estimates[k].append(fitted(task.methods[k], batch))
    return [concatenate(of_method) for of_method in estimates]


def _batches(task: Task, pieces: list[Design]) -> Iterator[tuple[Batch, list[int]]]:
    """Batches of scenarios of one shape, grain by grain, and which methods are fitted to each."""
    sources = [source_of(piece, task.seed) for piece in pieces]
    grains = _grains(task, pieces[0].scenario)
    for grain in sorted(set(grains), key=GRAINS.index):
        chosen = [k for k, of_method in enumerate(grains) if of_method == grain]
        units = any(task.methods[k].grain == "rows" for k in chosen)
        drawn = (_drawn(source, task, grain, units) for source in sources)
        for batches in zip(*drawn, strict=True):
            yield beside(batches), chosen


def _drawn(source: DataSource, task: Task, grain: str, units: bool) -> Iterator[Batch]:
    """Batches of one scenario; units that no method asks for are reduced as they are drawn."""
    number = streams.GRAIN[grain]
    chunk = streams.chunk_length(source.scenario, number)
    length = streams.batch_length(source.scenario, number)
    calls = not task.shared and task.methods[0].grain != "rows"  # calls have chunks that are whole
    first, last = task.first - 1, task.last
    while first < last:
        end = min(last, (first // length + 1) * length)
        numbers = range(first // chunk, (end - 1) // chunk + 1)
        start = numbers.start * chunk
        chunks, told = [], []
        for c in numbers:
            need = None if calls else end - c * chunk
            moments = source.moments(number, c, need)
            chunks.append(reduce(moments) if isinstance(moments, Units) and not units else moments)
            if isinstance(source, OwnSource):
                told.append(source.told(number, c, need))
        yield Batch(source, number, chunks, Span(first, end), start, joined(told) if told else None)
        first = end
