"""Paired differences of any two methods of a study, from its stored rows or totals.

Both methods saw the same data, so the difference has a far smaller Monte Carlo error than its
two halves have. Those that a summary has against a reference method are made in the same way
here; of any other measure it takes rows, and its error is that of a jackknife that leaves out
groups of replications (Shao & Wu 1989, Ann. Stat. 17:1176-1197).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from simstudy.estimates import ESTIMATED, USED
from simstudy.measures import totals, tree
from simstudy.measures.catalog import MEASURES, finish
from simstudy.measures.record import ALL, Cells, Measure
from simstudy.measures.rows import Rows
from simstudy.measures.values import NAN
from simstudy.moments import Floats
from simstudy.registry import Method
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.grid import Design
from simstudy.study.study import Study
from simstudy.summary.add_up import measured
from simstudy.summary.cells import StudyCells
from simstudy.summary.parts import StoredRows
from simstudy.summary.study import stored_rows

_GROUPS = 100  # of a jackknife


class Difference(NamedTuple):
    """A measure of one method less that of another, or of one, in one scenario at one level.

    Attributes
    ----------
    alpha : float
        NaN where the measure has none.
    n_used, n_not_used : int
        Replications that both methods have, and the others.
    n_free : int
        Independent numbers behind the Monte Carlo SE.
    """

    scenario: str
    alpha: float
    value: float
    mcse: float
    n_used: int
    n_not_used: int
    n_free: int

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Difference:
        """A row of a summary, of one method alone."""
        alpha, value, mcse = (
            NAN if row[name] is None else row[name] for name in ("alpha", "value", "mcse")
        )
        n_used = row["n_used"]
        return cls(row["scenario"], alpha, value, mcse, n_used, row["n_not_used"], n_used)


class _Pair(NamedTuple):
    """What two methods are compared by: their study alone, and its cells."""

    source: StoredRows
    scenario: str
    own: int
    other: int


def differences(
    study: Study,
    folder: ResultsFolder,
    two: tuple[Method, Method],
    designs: Sequence[Design],
    measure: str,
    jobs: int = 1,
) -> list[Difference]:
    """A measure of the first of two methods less that of the second, where it can be had.

    Parameters
    ----------
    two : (Method, Method)
        Methods of the study.
    designs : sequence of Design
        Scenarios of the study in which both are asked for.
    measure : str
        One that is built in.
    """
    sign, pair = 1.0, two
    if two[0].canonical == study.reference:  # totals are kept beside the reference alone
        sign, pair = -1.0, (two[1], two[0])
    alone = replace(study, designs=tuple(designs), methods=pair, reference=pair[1].canonical)
    cells = StudyCells(alone)
    source = stored_rows(alone, folder, cells, compare=True)
    paired = MEASURES.get(f"difference_{measure}")
    if paired is not None:
        found = _added(alone, source, paired, jobs)
    else:
        found = _jackknifed(alone, source, MEASURES[measure])
    return [one._replace(value=sign * one.value) for one in found]


def _added(study: Study, source: StoredRows, measure: Measure, jobs: int) -> Iterator[Difference]:
    """A measure of pairs of the first method, of every scenario that has it."""
    _, columns = measured(source, [measure], "robust", lambda line: None, jobs)
    for column in columns:
        for place, design in enumerate(study.designs):
            cell = 2 * place
            if column.defined[cell]:
                value, mcse = float(column.value.value[cell]), float(column.value.mcse[cell])
                n_used, n_not_used = int(column.n_used[cell]), int(column.n_not_used[cell])
                yield Difference(design.id, column.alpha, value, mcse, n_used, n_not_used, n_used)


def _jackknifed(study: Study, source: StoredRows, measure: Measure) -> Iterator[Difference]:
    """Any measure, of every scenario whose rows are kept."""
    lacking = source.facts.lacking["rows"]
    for place, design in enumerate(study.designs):
        pair = _Pair(source, design.id, 2 * place, 2 * place + 1)
        if not lacking[[pair.own, pair.other]].any():
            yield from _of_rows(pair, measure)


def _of_rows(pair: _Pair, measure: Measure) -> Iterator[Difference]:
    """A measure of one scenario, at every level."""
    source = pair.source
    rows, others, n_all = _same(pair, measure)
    n = rows["status"].size
    groups = min(_GROUPS, int(np.sqrt(n)))  # of a median they have to be this large
    if groups < 2:
        return
    n -= n % groups
    levels = source.alphas if measure.per_alpha else (NAN,)
    made, compared = (
        _left_out(source, cell, of, measure, groups)
        for cell, of in ((pair.own, rows), (pair.other, others))
    )
    apart = made - compared  # (levels, all and each group left out)
    for k, alpha in enumerate(levels):
        whole, without = apart[k, 0], apart[k, 1:]
        spread = np.square(without - without.mean()).sum()
        mcse = float(np.sqrt(spread * (groups - 1) / groups))
        yield Difference(pair.scenario, alpha, float(whole), mcse, n, n_all - n, groups)


def _same(pair: _Pair, measure: Measure) -> tuple[Rows, Rows, int]:
    """Rows of both methods of the replications that both have, and how many those are of."""
    source = pair.source
    numbers, others = source.numbers_of(pair.own), source.numbers_of(pair.other)
    both, own, other = np.intersect1d(numbers, others, return_indices=True)
    first, second = (
        {name: values[at] for name, values in source.rows_of(cell).items()}
        for cell, at in ((pair.own, own), (pair.other, other))
    )
    most = USED if measure.needs & {"std_error", "interval", "tests"} else ESTIMATED
    kept = (first["status"] < most) & (second["status"] < most)
    if measure.basis is ALL:
        kept[:] = True
    own_rows, other_rows = ({k: v[kept] for k, v in rows.items()} for rows in (first, second))
    return own_rows, other_rows, both.size


def _left_out(source: StoredRows, cell: int, rows: Rows, measure: Measure, groups: int) -> Floats:
    """A measure of all rows, and without each group, shape (levels, 1 + groups)."""
    size = rows["status"].size // groups
    if "rows" in measure.needs:
        return _by_rows(float(source.facts.truth[cell]), rows, measure, groups, size)
    some = {k: v[: groups * size].reshape(groups, size) for k, v in rows.items()}
    blocks = totals.of_ready(source.block(np.full(groups, cell), some), source.alphas)
    every = np.arange(groups)
    places = [every] + [np.delete(every, group) for group in every]
    index = np.concatenate(places)
    of = np.repeat(np.arange(groups + 1), [place.size for place in places])
    number = np.concatenate([np.arange(place.size) for place in places])
    added = tree.merged(tree.of_blocks(of, number, totals.take(blocks, index))).totals
    truth, null_value = source.facts.truth[cell], source.facts.null_value[cell]
    cells = Cells(added, source.alphas, truth, null_value=null_value)
    return np.stack([column.value.value for column in finish(cells, [measure])])


def _by_rows(truth: float, rows: Rows, measure: Measure, groups: int, size: int) -> Floats:
    """The same of a measure that takes all rows at once."""
    of = np.arange(groups * size) // size
    kept = [np.ones(of.size, dtype=bool), *(of != group for group in range(groups))]
    values = [
        measure.value({k: v[: of.size][keep] for k, v in rows.items()}, truth).value
        for keep in kept
    ]
    return np.array([values])
