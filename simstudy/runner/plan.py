"""From a study and a listing of parts to the tasks that are missing. Plain data.

Where a range begins and ends is a function of the scenario, the grain and the method alone, so
two runs of one study make parts of the same names. A user's own methods have tasks of their
own, after all others: what they cost is not known, and their ranges (of a length that the
method declares) are what a killed worker loses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from simstudy.estimates import Estimates
from simstudy.generators import streams
from simstudy.generators.scenario import Scenario
from simstudy.registry import Method
from simstudy.runner.task import Task, grain_of
from simstudy.store.names import PartName, holders, method_key
from simstudy.study.grid import Design
from simstudy.study.study import Study

_LONGEST = 1 << 17  # replications of a range: parts of some megabytes
_NUMBERS = 1 << 22  # clusters or units of a range: a second or two of work
_PACK, _SMALL = 16, 8192  # scenarios of a part at most, replications of a small task
_METHOD_CHARACTERS = 64  # of the methods in a part's name, which has 255 in all

Range = tuple[int, int]  # first and last replication, from 1
Gaps = Mapping[tuple[str, str], list[Range]]  # of a scenario and a method, by id and canonical name


def range_length(scenario: Scenario, grain: str, draws: bool = False) -> int:
    """Replications of a range: a power of two, by the scenario, the grain and the method.

    Methods that draw cost some fifty times the others, so their ranges are shorter.
    """
    if scenario.generator is not None and scenario.generator.part:
        return scenario.generator.part
    number = streams.GRAIN[grain]
    per_rep = {
        "pooled": _NUMBERS / _LONGEST,
        "clusters": float(scenario.n_clusters),
        "rows": scenario.mean_n_obs,
    }[grain]
    numbers = _NUMBERS >> 5 if draws else _NUMBERS
    length = min(_LONGEST, max(1, int(numbers / per_rep)))
    length = 1 << (length.bit_length() - 1)
    return max(length, streams.batch_length(scenario, number))


def first_range(span: Range, method: Method, scenario: Scenario, grain: str | None) -> Range:
    """What a run would do first of a span, which parts that were joined may hold at once."""
    if method.entry.shared:
        length = range_length(scenario, grain_of(method, scenario, grain), method.entry.draws)
    else:
        length = _part(method, scenario)
    return next(iter(_aligned([span], length)))


def missing(spans: list[Range], last: int) -> list[Range]:
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


def gaps_of(study: Study, parts: Iterable[PartName]) -> Gaps:
    """All that a study asks for -> replications that no part holds."""
    held = holders(parts)
    keys = {method: method_key(method.canonical) for method in study.methods}
    return {
        (design.id, method.canonical): missing(
            [(part.first, part.last) for part in held.get((design.id, key), ())],
            study.n_reps(design.id),
        )
        for design in study.designs
        for method, key in keys.items()
        if study.asks(design, method)
    }


def n_of(gaps: Iterable[Range]) -> int:
    """Replications in spans."""
    return sum(last - first + 1 for first, last in gaps)


def n_missing(study: Study, parts: Iterable[PartName]) -> int:
    """Fits of a study that no part holds."""
    return sum(map(n_of, gaps_of(study, parts).values()))


def plan(study: Study, parts: Iterable[PartName]) -> list[Task]:
    """Tasks that complete the study, by spans and methods, scenarios of one shape together.

    Parameters
    ----------
    study : Study
    parts : iterable of PartName
        What is there already.
    """
    return tasks_of(study, gaps_of(study, parts))


def tasks_of(study: Study, gaps: Gaps) -> list[Task]:
    """Tasks that fill gaps; a gap that is a task of the whole plan makes that same task."""
    own = study.own_methods
    together = tuple(method for method in study.methods if method not in own)
    return [*_shared(study, gaps, together), *_alone(study, gaps, own)]


def _shared(study: Study, gaps: Gaps, methods: tuple[Method, ...]) -> Iterator[Task]:
    lengths: dict[tuple[object, ...], list[int]] = {}
    todo: dict[tuple[Range, tuple[Method, ...], int], list[Design]] = defaultdict(list)
    for design in study.designs if methods else ():
        scenario = design.scenario
        if scenario.shape not in lengths:
            lengths[scenario.shape] = [
                range_length(scenario, grain_of(method, scenario, study.grain), method.entry.draws)
                for method in methods
            ]
        of_shape = lengths[scenario.shape]
        wanted: dict[Range, list[Method]] = defaultdict(list)
        for method, length in zip(methods, of_shape, strict=True):
            for span in _aligned(gaps.get((design.id, method.canonical), ()), length):
                wanted[span].append(method)
        for span, together in wanted.items():
            todo[span, tuple(together), min(of_shape)].append(design)
    for (span, chosen, longest), designs in todo.items():
        own = any(design.scenario.generator is not None for design in designs)
        room = 1 if own else min(longest, _SMALL) // (span[1] - span[0] + 1)
        for pieces in _packs(designs, room, list(lengths)):
            yield Task(study.seed, pieces, *span, chosen, study.grain)


def _alone(study: Study, gaps: Gaps, methods: Iterable[Method]) -> list[Task]:
    """A task a range, scenario and method: first ranges first, so that each is soon timed."""
    tasks = [
        Task(study.seed, (design,), *span, (method,), study.grain)
        for method in methods
        for design in study.designs
        if gaps.get((design.id, method.canonical))  # else there need be no file of it
        for span in _aligned(gaps[design.id, method.canonical], _part(method, design.scenario))
    ]
    return sorted(tasks, key=lambda task: task.first)


def _part(method: Method, scenario: Scenario) -> int:
    """Replications of a range of a user's method: not more than a user's generator has."""
    part, own = method.entry.part, scenario.generator
    return part if own is None else min(part, own.part or part)


def _aligned(gaps: Iterable[Range], length: int) -> Iterable[Range]:
    """Cut spans at multiples of `length`."""
    for first, last in gaps:
        while first <= last:
            end = min(last, ((first - 1) // length + 1) * length)
            yield first, end
            first = end + 1


def _packs(
    designs: list[Design], room: int, shapes: list[tuple[object, ...]]
) -> Iterator[tuple[Design, ...]]:
    """Scenarios of a task: at most `room`, those of one shape first, parts filled up.

    `shapes` are the study's, in an order that does not depend on what is missing.
    """
    room = max(1, room if room < _PACK else room // _PACK * _PACK)
    if room > 1:
        order = {shape: k for k, shape in enumerate(shapes)}
        designs = sorted(designs, key=lambda design: order[design.scenario.shape])
    for i in range(0, len(designs), room):
        yield tuple(designs[i : i + room])


def names_of(task: Task) -> list[PartName]:
    """Names of the parts a task makes."""
    block = (task.first - 1) // streams.BLOCK
    return [
        PartName(
            tuple(piece.id for piece in task.pieces[pieces]),
            tuple(method_key(method.canonical) for method in task.methods[chosen]),
            block,
            task.first,
            task.last,
        )
        for pieces, chosen in _bundles(task)
    ]


def parts_of(
    task: Task, estimates: list[Estimates]
) -> Iterator[tuple[PartName, list[str], list[Estimates]]]:
    """Parts of a task: their names, their methods' canonical names, and what they hold."""
    for part, (pieces, chosen) in zip(names_of(task), _bundles(task), strict=True):
        names = [method.canonical for method in task.methods[chosen]]
        first, last = pieces.start * task.n_reps, (pieces.start + len(part.scenarios)) * task.n_reps
        yield part, names, [found.cut(first, last) for found in estimates[chosen]]


def _bundles(task: Task) -> Iterator[tuple[slice, slice]]:
    """Scenarios and methods that share a part.

    A part a method; where ranges are short, several scenarios and methods share one, since
    a file costs more than the rows in it.
    """
    keys = [method_key(method.canonical) for method in task.methods]
    for i in range(0, len(task.pieces), _PACK):
        here = slice(i, min(i + _PACK, len(task.pieces)))
        small = (here.stop - i) * task.n_reps < _SMALL
        start = 0
        for end in range(1, len(keys) + 1):
            longer = len("+".join(keys[start : end + 1])) > _METHOD_CHARACTERS
            if end == len(keys) or longer or not small:
                yield here, slice(start, end)
                start = end
