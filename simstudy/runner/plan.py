"""Room 4: from a study and a listing of parts to the tasks that are missing. Plain data.

Imports study, store.names, task and streams. Where a range begins and ends is a function
of the scenario and the grain alone, so two runs of one study make parts of the same names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter

from simstudy.generators import streams
from simstudy.generators.scenario import Scenario
from simstudy.registry import GRAINS, Method
from simstudy.runner.task import Task, grain_of
from simstudy.store.names import PartName, method_key
from simstudy.study.grid import Design
from simstudy.study.study import Study

_LONGEST = 1 << 17  # replications of a range: parts of some megabytes
_NUMBERS = 1 << 22  # clusters or units of a range: a second or two of work
_PACK, _PACK_REPLICATIONS = 16, 8192  # small scenarios share a part: a file costs too

Span = tuple[int, int]


def seconds_a_replication(scenario: Scenario, grain: str, n_methods: int) -> float:
    """Rough cost of drawing one data set at a grain and fitting it, in seconds."""
    if grain == "pooled":
        return 1.5e-7 + 2e-7 * n_methods
    per_cluster = 8e-8 + 8e-8 * n_methods
    rows = 2.5e-8 * scenario.mean_n_obs if grain == "rows" else 0.0
    return 1e-6 + per_cluster * scenario.n_clusters + rows


def range_length(scenario: Scenario, grain: str) -> int:
    """Replications of a range of data held at a grain: a power of two, by the two alone."""
    number = streams.GRAIN[grain]
    per_rep = {
        "pooled": _NUMBERS / _LONGEST,
        "clusters": float(scenario.n_clusters),
        "rows": scenario.mean_n_obs,
    }[grain]
    length = min(_LONGEST, max(1, int(_NUMBERS / per_rep)))
    length = 1 << (length.bit_length() - 1)
    return max(length, streams.batch_length(scenario, number))


def covered(parts: Iterable[PartName]) -> dict[tuple[str, str], list[Span]]:
    """(scenario, method key) -> spans of replications that are there."""
    found: dict[tuple[str, str], list[Span]] = defaultdict(list)
    for part in parts:
        for scenario in part.scenarios:
            found[scenario, part.method].append((part.first, part.last))
    return found


def missing(spans: list[Span], last: int) -> list[Span]:
    """Spans of 1..last that `spans` leave out."""
    gaps, done = [], 0
    for first, end in sorted(spans):
        if first > done + 1:
            gaps.append((done + 1, min(first - 1, last)))
        done = max(done, end)
        if done >= last:
            return gaps
    gaps.append((done + 1, last))
    return gaps


def plan(study: Study, parts: Iterable[PartName]) -> list[Task]:
    """Tasks that complete the study, in the order of its scenarios.

    Parameters
    ----------
    study : Study
    parts : iterable of PartName
        What is there already.
    """
    there = covered(parts)
    keys = {method: method_key(method.canonical) for method in study.methods}
    todo: list[tuple[Design, Span, tuple[Method, ...]]] = []
    for design in study.designs:
        wanted: dict[Span, list[Method]] = defaultdict(list)
        for method in study.methods:
            gaps = missing(there.get((design.id, keys[method]), []), study.replications)
            grain = grain_of(method, design.scenario, study.grain)
            for span in _aligned(gaps, range_length(design.scenario, grain)):
                wanted[span].append(method)
        todo += [(design, span, tuple(wanted[span])) for span in sorted(wanted)]
    tasks: list[Task] = []
    for (span, chosen), group in groupby(todo, key=itemgetter(1, 2)):
        tasks += _pack(study, span, chosen, [design for design, _, _ in group])
    return tasks


def _aligned(gaps: list[Span], length: int) -> Iterable[Span]:
    """Cut spans at multiples of `length`."""
    for first, last in gaps:
        while first <= last:
            end = min(last, ((first - 1) // length + 1) * length)
            yield first, end
            first = end + 1


def _pack(
    study: Study, span: Span, chosen: tuple[Method, ...], designs: list[Design]
) -> Iterable[Task]:
    """Put small scenarios of the same span and methods together."""
    first, last = span
    together = min(_PACK, -(-_PACK_REPLICATIONS // (last - first + 1)))
    for i in range(0, len(designs), together):
        pieces = tuple(designs[i : i + together])
        yield Task(study.seed, pieces, first, last, chosen, study.grain)


def part_name(task: Task, method: Method) -> PartName:
    """Name of the part a task makes for one method."""
    scenarios = tuple(piece.id for piece in task.pieces)
    block = (task.first - 1) // streams.BLOCK
    return PartName(scenarios, method_key(method.canonical), block, task.first, task.last)


def forecast(tasks: Iterable[Task]) -> float:
    """Rough seconds of work in tasks, in one process."""
    seconds = 0.0
    for task in tasks:
        n_reps = task.last - task.first + 1
        for piece in task.pieces:
            grains = {grain_of(m, piece.scenario, task.grain) for m in task.methods}
            finest = max(grains, key=GRAINS.index)
            cost = seconds_a_replication(piece.scenario, finest, len(task.methods))
            seconds += 5e-4 * len(task.methods) + n_reps * cost
    return seconds
