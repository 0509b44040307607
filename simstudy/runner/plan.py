"""From a study and a listing of parts to the tasks that are missing. Plain data.

Where a range begins and ends is a function of the scenario, the grain and the method alone, so
two runs of one study make parts of the same names. A user's own methods have tasks of their
own, after all others: what they cost is not known, and their ranges (of a length that the
method declares) are what a killed worker loses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import compress, product

from simstudy.estimates import Estimates
from simstudy.generators import streams
from simstudy.generators.scenario import Scenario
from simstudy.registry import Method
from simstudy.runner.task import Task, grain_of
from simstudy.store.coverage import missing, missing_totals
from simstudy.store.names import PACK, PartName, holders, method_key
from simstudy.study.grid import Design
from simstudy.study.study import Study

LONGEST = 1 << 17  # replications of a range: parts of some megabytes
_NUMBERS = 1 << 22  # clusters or units of a range: a second or two of work
_SMALL = 8192  # replications of a small task
_METHOD_CHARACTERS = 64  # of the methods in a part's name, which has 255 in all

Range = tuple[int, int]  # first and last replication, from 1
Cell = tuple[str, str, bool]  # a scenario's id, a method's canonical name, and whether in totals
Gaps = Mapping[Cell, list[Range]]
Spans = Mapping[tuple[str, str], list[Range]]  # of a scenario and a method, by the same names


def range_length(scenario: Scenario, grain: str, draws: bool = False, totals: bool = False) -> int:
    """Replications of a range: a power of two, by the scenario, the grain and the method.

    Methods that draw cost some fifty times the others, so their ranges are shorter. Those of
    totals are whole blocks, and longer where rows alone would make a part large.
    """
    longest = LONGEST << 3 if totals else LONGEST
    if scenario.generator is not None and scenario.generator.part:
        return scenario.generator.part
    number = streams.GRAIN[grain]
    per_rep = {
        "pooled": _NUMBERS / longest,
        "clusters": float(scenario.n_clusters),
        "rows": scenario.mean_n_obs,
    }[grain]
    numbers = _NUMBERS >> 5 if draws else _NUMBERS
    length = min(longest, max(1, int(numbers / per_rep)))
    length = 1 << (length.bit_length() - 1)
    return max(length, streams.batch_length(scenario, number), streams.BLOCK if totals else 1)


def first_range(span: Range, method: Method, scenario: Scenario, grain: str | None) -> Range:
    """What a run would do first of a span, which parts that were joined may hold at once."""
    if method.entry.shared:
        length = range_length(scenario, grain_of(method, scenario, grain), method.entry.draws)
    else:
        length = _part(method, scenario)
    return next(iter(_aligned([span], length)))


def gaps_of(study: Study, held: Iterable[PartName]) -> Spans:
    """All that a study asks for -> replications that no part holds as they are wanted."""
    return by_cell(wanted(study, held))


def by_cell(gaps: Gaps) -> Spans:
    """Gaps of rows and of totals as one."""
    both: dict[tuple[str, str], list[Range]] = defaultdict(list)
    for (scenario, method, _), spans in gaps.items():
        both[scenario, method] += spans
    return {cell: _united(spans) if len(spans) > 1 else spans for cell, spans in both.items()}


def _united(spans: list[Range]) -> list[Range]:
    """The same replications, each once."""
    found: list[Range] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], last)
        else:
            found.append((first, last))
    return found


def wanted(study: Study, held: Iterable[PartName]) -> Gaps:
    """All that a study wants -> replications of which no part holds it.

    Totals need not be stored of what rows are stored of.
    """
    listed = list(held)
    most = max((study.n_reps(design.id) for design in study.designs), default=0)
    rows = [part for part in listed if not part.totals]
    all_of = [part for part in rows if part.first == 1 and part.last >= most]
    # of many small scenarios each is in one part
    whole = set().union(*(product(part.scenarios, part.methods) for part in all_of))
    of_rows = holders(part for part in rows if part.first > 1 or part.last < most)
    of_totals = holders(part for part in listed if part.totals)
    keys = {method: method_key(method.canonical) for method in study.methods}
    gaps: dict[Cell, list[Range]] = {}
    for design, (method, key) in product(study.designs, keys.items()):
        if not study.asks(design, method):
            continue
        if (design.id, key) in whole:
            gaps[design.id, method.canonical, False] = []
            continue
        name, there = (design.id, method.canonical), of_rows.get((design.id, key), ())
        n_rows = n_reps = study.n_reps(design.id)
        if study.totalled(design, method):
            of_cell = of_totals.get((design.id, key), ())
            gaps[*name, True] = missing_totals(there, of_cell, n_reps)
            n_rows = min(study.sample or 0, n_reps)
        if n_rows:
            gaps[*name, False] = missing([(part.first, part.last) for part in there], n_rows)
    return gaps


def n_of(gaps: Iterable[Range]) -> int:
    """Replications in spans."""
    return sum(last - first + 1 for first, last in gaps)


def plan(study: Study, held: Iterable[PartName]) -> list[Task]:
    """Tasks that complete the study, by spans and methods, scenarios of one shape together.

    Parameters
    ----------
    study : Study
    held : iterable of PartName
        What is there already, rows and totals.
    """
    return tasks_of(study, wanted(study, held))


def tasks_of(study: Study, gaps: Gaps) -> list[Task]:
    """Tasks that fill gaps; a gap that is a task of the whole plan makes that same task."""
    if not any(gaps.values()):
        return []
    rows, totals = (
        {(scenario, method): spans for (scenario, method, of), spans in gaps.items() if of == kind}
        for kind in (False, True)
    )
    own = study.own_methods
    together = tuple(method for method in study.methods if method not in own)
    return [*_shared(study, rows, together), *_in_totals(study, totals, together),
            *_alone(study, rows, own)]  # fmt: skip


def _in_totals(study: Study, gaps: Spans, methods: tuple[Method, ...]) -> Iterator[Task]:
    """Tasks that make totals; each fits the reference too, as far as that has totals."""
    if not any(gaps.values()):
        return
    reference = next((m for m in methods if m.canonical == study.reference), None)
    for task in _shared(study, gaps, methods, totals=True):
        compared = [reference is not None and study.asks(d, reference) for d in task.pieces]
        for kind in sorted(set(compared)):
            pieces = tuple(compress(task.pieces, (one == kind for one in compared)))
            beside = reference if kind else None
            yield replace(task, pieces=pieces, alphas=study.alpha, reference=beside)


def _shared(
    study: Study, gaps: Spans, methods: tuple[Method, ...], totals: bool = False
) -> Iterator[Task]:
    lengths: dict[tuple[object, ...], list[int]] = {}
    todo: dict[tuple[Range, tuple[Method, ...], int], list[Design]] = defaultdict(list)
    for design in study.designs if methods else ():
        scenario = design.scenario
        if scenario.shape not in lengths:
            of_each = [
                range_length(
                    scenario, grain_of(method, scenario, study.grain), method.entry.draws, totals
                )
                for method in methods
            ]
            lengths[scenario.shape] = [min(of_each)] * len(of_each) if totals else of_each
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


def _alone(study: Study, gaps: Spans, methods: Iterable[Method]) -> list[Task]:
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
    room = max(1, room if room < PACK else room // PACK * PACK)
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
            task.totals,
        )
        for pieces, chosen in bundles(task)
    ]


def parts_of(
    task: Task, estimates: list[Estimates]
) -> Iterator[tuple[PartName, list[str], list[Estimates]]]:
    """Parts of a task: their names, their methods' canonical names, and what they hold."""
    for part, (pieces, chosen) in zip(names_of(task), bundles(task), strict=True):
        names = [method.canonical for method in task.methods[chosen]]
        first, last = pieces.start * task.n_reps, (pieces.start + len(part.scenarios)) * task.n_reps
        yield part, names, [found.cut(first, last) for found in estimates[chosen]]


def bundles(task: Task) -> Iterator[tuple[slice, slice]]:
    """Scenarios and methods that share a part.

    A part a method; where ranges are short, several scenarios and methods share one, since
    a file costs more than the rows in it.
    """
    keys = [method_key(method.canonical) for method in task.methods]
    for i in range(0, len(task.pieces), PACK):
        here = slice(i, min(i + PACK, len(task.pieces)))
        small = task.totals or (here.stop - i) * task.n_reps < _SMALL
        start = 0
        for end in range(1, len(keys) + 1):
            longer = len("+".join(keys[start : end + 1])) > _METHOD_CHARACTERS
            if end == len(keys) or longer or not small:
                yield here, slice(start, end)
                start = end
