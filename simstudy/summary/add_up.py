"""From a source of rows to totals, here or in workers, and to the measures of its cells.

The bias-eliminated coverage needs the final mean, and so a second pass over the rows, which
only counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import chain
from typing import Any, Generic, TypeVar

import numpy as np

from simstudy.measures import pairs, totals
from simstudy.measures.block import COLUMNS, Block
from simstudy.measures.catalog import finish, record_of
from simstudy.measures.pairs import Pairs
from simstudy.measures.record import Cells, Measure
from simstudy.measures.rows import columns_of_rows
from simstudy.measures.totals import Totals
from simstudy.measures.values import Column
from simstudy.moments import Floats, Ints
from simstudy.runner.pool import LOST, parallel
from simstudy.runner.process import settle
from simstudy.summary.source import Source

T = TypeVar("T", Totals, Pairs)


class Sums(Generic[T]):
    """Totals of blocks, added up cell by cell.

    Parameters
    ----------
    most : int
        Blocks that are kept beside one of each cell until they are added up; 0 is all.
    """

    def __init__(self, most: int = 0) -> None:
        self._kept: list[tuple[Ints, Ints, T]] = []  # cells, numbers of the blocks, totals
        self._n_blocks, self._most = 0, most

    def add(self, cells: Ints, number: Ints, blocks: T) -> None:
        """Add blocks, one a cell."""
        self._kept.append((cells, number, blocks))
        self._n_blocks += cells.size
        if self._most and self._n_blocks > self._most + 2 * self._kept[0][0].size:
            present, sums = self._combined()
            self._kept, self._n_blocks = [(present, np.zeros_like(present), sums)], present.size

    def extend(self, others: Sums[T]) -> None:
        """Add the blocks of others."""
        self._kept += others._kept

    def joined(self) -> Sums[T]:
        """The same as one: thousands of small arrays cost a worker more than adding them up."""
        out: Sums[T] = Sums()
        out._kept = [self._joined()] if self._kept else []
        return out

    def total(self, nothing: T, n_cells: int) -> T:
        """Totals of every cell, its blocks in order; of cells without any, those of `nothing`."""
        cells = [np.empty(0, np.int64), *(cells for cells, _, _ in self._kept)]
        left = np.setdiff1d(np.arange(n_cells), np.concatenate(cells))
        self._kept.append((left, np.zeros_like(left), totals.take(nothing, left)))
        return self._combined()[1]

    def _joined(self) -> tuple[Ints, Ints, T]:
        cells, number = (np.concatenate([kept[k] for kept in self._kept]) for k in (0, 1))
        return cells, number, totals.concatenate([blocks for _, _, blocks in self._kept])

    def _combined(self) -> tuple[Ints, T]:
        cells, number, blocks = self._joined()
        order = np.lexsort((number, cells))
        present, place = np.unique(cells[order], return_inverse=True)
        return present, totals.combine(totals.take(blocks, order), place)


def measured(
    source: Source,
    measures: Iterable[Measure],
    mcse: str,
    warn: Callable[[str], None],
    jobs: int = 1,
) -> tuple[Cells, list[Column]]:
    """What was added up, and some measures of every cell.

    `warn` is told which measures of rows failed, and why.
    """
    chosen = list(measures)
    cells = add_up(source, mcse, any("mean" in measure.needs for measure in chosen), jobs)
    of_rows = [measure for measure in chosen if "rows" in measure.needs]
    columns = chain(finish(cells, chosen), columns_of_rows(of_rows, source.rows_of, cells, warn))
    return cells, [_where_there(column, source) for column in columns]


def _where_there(column: Column, source: Source) -> Column:
    """A measure without cells that lack what it needs.

    Limits that were given are of the first level: at others there are no intervals.
    """
    needs, defined, facts = record_of(column.measure).needs, column.defined, source.facts
    for need, cells in facts.lacking.items():
        defined = defined & ~cells if need in needs else defined
    if "interval" in needs and column.alpha != source.alphas[0]:
        defined = defined & ~(facts.limits_of_pairs if "pairs" in needs else facts.limits)
    return column._replace(defined=np.asarray(defined))


def add_up(source: Source, mcse: str, mean: bool = True, jobs: int = 1) -> Cells:
    """Add up all rows; the digits are the same with any number of `jobs`.

    Parameters
    ----------
    mean : bool
        Whether a measure needs the mean estimate of each cell.
    """
    sums: Sums[Totals] = Sums(source.most)
    both: Sums[Pairs] = Sums()
    for some, some_pairs in _spread(_sums, source, jobs):
        sums.extend(some)
        both.extend(some_pairs)
    facts, alphas = source.facts, source.alphas
    n_cells = facts.truth.size
    nothing, cells = _nothing(n_cells), np.arange(n_cells)
    total = sums.total(totals.of_ready(nothing, alphas), n_cells)
    source.check(total)
    eliminated = None
    if mean or source.twice:
        eliminated = sum(_spread(_covered, source, jobs, total.of_error.means[0]))
    compared = None
    if facts.compared is not None:
        no_pairs = pairs.of_block(nothing, cells, cells, alphas)
        compared = both.total(no_pairs, n_cells), facts.compared
    return Cells(total, alphas, facts.truth, mcse, eliminated, compared, facts.null_value)


def _spread(function: Callable[..., Any], source: Source, jobs: int, *more: Any) -> list[Any]:
    """Do the shares of a source among workers, or all of it here."""
    if len(shares := source.shares(jobs)) > 1:
        with suppress(*LOST):  # then it takes longer, and is the same
            return list(parallel(jobs, [(function, share, *more) for share in shares]))
    return [function(source, *more)]


def _sums(source: Source) -> tuple[Sums[Totals], Sums[Pairs]]:
    """Totals of each block of rows, and of its pairs with the reference."""
    settle()
    sums: Sums[Totals] = Sums(source.most)
    both: Sums[Pairs] = Sums()
    for block in source.first():
        rows, number = block.rows, np.full(block.cells.size, block.number)
        if not block.pair:
            sums.add(block.cells, number, totals.of_ready(rows, source.alphas))
        if block.against:
            own, reference = np.array(block.against).T
            compared = pairs.of_block(rows, own, reference, source.alphas)
            both.add(block.cells[own], number[own], compared)
    return sums.joined(), both.joined()


def _covered(source: Source, means: Floats) -> Ints:
    """Intervals of every cell that hold its mean."""
    settle()
    out = np.zeros((means.size, len(source.alphas)), dtype=np.int64)
    for block in source.again():
        for k, alpha in enumerate(source.alphas):
            hits = block.rows.covers(alpha, means[block.cells]).sum(axis=1)
            np.add.at(out[:, k], block.cells, hits)
    return out


def _nothing(n_cells: int) -> Block:
    none = {name: np.empty((n_cells, 0)) for name in COLUMNS}
    return Block(none | {"status": np.empty((n_cells, 0), np.int8)}, 0.0)
