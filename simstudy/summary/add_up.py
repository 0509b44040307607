"""From a source of rows to totals, here or in workers, and to the measures of its cells.

The bias-eliminated coverage needs the final mean, and so a second pass over the rows, which
only counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import chain
from typing import Any, Generic

import numpy as np

from simstudy.measures import flat, pairs, totals, tree
from simstudy.measures.catalog import finish, record_of
from simstudy.measures.pairs import Pairs
from simstudy.measures.record import Cells, Measure
from simstudy.measures.rows import columns_of_rows
from simstudy.measures.totals import T, Totals
from simstudy.measures.tree import Nodes
from simstudy.measures.values import Column
from simstudy.moments import Floats, Ints
from simstudy.runner.backends import opened
from simstudy.runner.backends._backend import Call, LostError
from simstudy.runner.process import settle
from simstudy.summary.source import Source, StoredNodes

_MOST = 1 << 14  # nodes that are kept beside twice those of all cells


class Sums(Generic[T]):
    """Totals of blocks, added up cell by cell; the digits are the same in any order."""

    def __init__(self) -> None:
        self._kept: list[Nodes[T]] = []
        self._n_nodes = 0

    def add(self, nodes: Nodes[T]) -> None:
        """Add blocks, or what some of them add up to."""
        self._kept.append(nodes)
        self._n_nodes += nodes.cell.size
        if self._n_nodes > _MOST + 2 * self._kept[0].cell.size:
            self._kept = [self.nodes()]
            self._n_nodes = self._kept[0].cell.size

    def __bool__(self) -> bool:
        return bool(self._kept)

    def nodes(self) -> Nodes[T]:
        """What was added, in as few nodes as hold it."""
        return tree.halves_merged(tree.joined(self._kept))

    def total(self, nothing: T, n_cells: int) -> T:
        """Totals of every cell; of cells without any, those of `nothing`."""
        added = np.concatenate([np.empty(0, np.int64), *(nodes.cell for nodes in self._kept)])
        left = np.setdiff1d(np.arange(n_cells), added)
        none = tree.of_blocks(left, 0, totals.take(nothing, left))
        return tree.merged(tree.joined([*self._kept, none])).totals


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
    there = ~source.facts.lacking.get("rows", np.zeros_like(cells.null))
    by_rows = columns_of_rows(of_rows, source.rows_of, cells, warn, there)
    columns = chain(finish(cells, chosen), by_rows)
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
    sums, both = _added(source, jobs)
    facts, alphas = source.facts, source.alphas
    n_cells = facts.truth.size
    nothing, no_pairs = flat.nothing(n_cells, alphas)
    total = sums.total(nothing, n_cells)
    source.check(total)
    eliminated = None
    if mean or source.twice:
        eliminated = sum(_spread(_covered, source, jobs, total.of_error.means[0]))
    compared = None
    if facts.compared is not None:
        compared = both.total(no_pairs, n_cells), facts.compared
    return Cells(total, alphas, facts.truth, mcse, eliminated, compared, facts.null_value)


def nodes_of(source: Source, jobs: int = 1) -> StoredNodes:
    """What the rows of a source that has some add up to, in as few nodes as hold it."""
    sums, both = _added(source, jobs)
    own = sums.nodes()
    if both:
        return StoredNodes(own, both.nodes())
    none = np.empty(0, np.int64)
    _, no_pairs = flat.nothing(1, source.alphas)
    return StoredNodes(own, tree.of_blocks(none, 0, totals.take(no_pairs, none)))


def _added(source: Source, jobs: int) -> tuple[Sums[Totals], Sums[Pairs]]:
    """All blocks of rows and of their pairs with the reference."""
    sums: Sums[Totals] = Sums()
    both: Sums[Pairs] = Sums()
    for some, some_pairs in _spread(_sums, source, jobs):
        for nodes in some:
            sums.add(nodes)
        for nodes_of_pairs in some_pairs:
            both.add(nodes_of_pairs)
    return sums, both


def _spread(function: Callable[..., Any], source: Source, jobs: int, *more: Any) -> list[Any]:
    """Do the shares of a source among workers, or all of it here."""
    if len(shares := source.shares(jobs)) > 1:
        with suppress(LostError), opened() as workers:  # then it takes longer, and is the same
            calls = [Call(function, (share, *more)) for share in shares]
            return list(workers.results(calls, jobs))
    return [function(source, *more)]


def _sums(source: Source) -> tuple[list[Nodes[Totals]], list[Nodes[Pairs]]]:
    """What all blocks of rows, and of their pairs with the reference, add up to; one or none."""
    settle()
    sums: Sums[Totals] = Sums()
    both: Sums[Pairs] = Sums()
    for block in source.first():
        rows, number = block.rows, np.broadcast_to(block.number, block.cells.shape)
        if not block.pair:
            sums.add(tree.of_blocks(block.cells, number, totals.of_ready(rows, source.alphas)))
        if block.against:
            own, reference = np.array(block.against).T
            compared = pairs.of_block(rows, own, reference, source.alphas)
            both.add(tree.of_blocks(block.cells[own], number[own], compared))
    for stored in source.stored():
        sums.add(stored.own)
        both.add(stored.pairs)
    return [sums.nodes()] if sums else [], [both.nodes()] if both else []


def _covered(source: Source, means: Floats) -> Ints:
    """Intervals of every cell that hold its mean."""
    settle()
    out = np.zeros((means.size, len(source.alphas)), dtype=np.int64)
    for block in source.again():
        for k, alpha in enumerate(source.alphas):
            hits = block.rows.covers(alpha, means[block.cells]).sum(axis=1)
            np.add.at(out[:, k], block.cells, hits)
    return out
