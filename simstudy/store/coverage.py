"""Which replications of a cell are there, by the names of parts alone: rows, or totals of blocks.

Rows count from the first replication up to the first that is missing, and where totals are
wanted in whole blocks. Totals of a file are nodes of the tree over blocks (`measures.tree`): the
fewest that hold its whole blocks, and by itself a last block that is not whole, which serves
that very number of replications and no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from simstudy.generators.streams import BLOCK
from simstudy.store.names import PartName

Span = tuple[int, int]  # first and last replication, from 1


class Node(NamedTuple):
    """Blocks number 2^level to (number + 1) 2^level - 1, and their replications from 1."""

    level: int
    number: int
    first: int
    last: int


class Use(NamedTuple):
    """What the replications of a cell are read from.

    Attributes
    ----------
    n_rows : int
        The first so many from rows.
    nodes : tuple of (PartName, int)
        The others from totals: a file, and the place of a node in it.
    """

    n_rows: int
    nodes: tuple[tuple[PartName, int], ...]


@lru_cache(maxsize=1 << 14)
def nodes_of(first: int, last: int) -> tuple[Node, ...]:
    """Nodes of a file of totals, which begins with a block."""
    at, end = (first - 1) // BLOCK, last // BLOCK
    nodes = []
    while at < end:
        fits = (end - at).bit_length() - 1
        level = min(fits, (at & -at).bit_length() - 1) if at else fits
        nodes.append(Node(level, at >> level, at * BLOCK + 1, (at + (1 << level)) * BLOCK))
        at += 1 << level
    if last % BLOCK:
        nodes.append(Node(0, at, at * BLOCK + 1, last))
    return tuple(nodes)


def missing(spans: Iterable[Span], last: int) -> list[Span]:
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


def missing_totals(rows: Iterable[PartName], totals: Iterable[PartName], n_reps: int) -> list[Span]:
    """Spans, whole blocks but for the last, that neither rows nor totals hold."""
    spans = [(node.first, node.last) for _, _, node in _usable(totals, n_reps)]
    n_rows = _in_blocks(rows, n_reps)
    return missing([*spans, (1, n_rows)] if n_rows else spans, n_reps)


def use(rows: Iterable[PartName], totals: Sequence[PartName], n_reps: int) -> Use:
    """From what a cell is read: all rows, or those before the totals that reach to its end."""
    n_rows = _in_blocks(rows, n_reps)
    if n_rows == n_reps:
        return Use(n_rows, ())
    found = sorted(_usable(totals, n_reps), key=lambda one: (-one[2].last, one[2].first))
    start = n_reps + 1
    for _, _, node in found:
        if node.last == start - 1:
            start = node.first
    n_rows = min(n_rows, start - 1)
    chosen, done = [], n_rows
    for part, place, node in sorted(found, key=lambda one: (one[2].first, -one[2].last)):
        if node.first > done:
            chosen.append((part, place))
            done = node.last
    return Use(n_rows, tuple(chosen))


def whole(rows: Iterable[PartName], n_reps: int) -> bool:
    """Whether rows alone are all of a cell, so that no totals of it are read."""
    return _in_blocks(rows, n_reps) == n_reps


def _usable(totals: Iterable[PartName], n_reps: int) -> Iterator[tuple[PartName, int, Node]]:
    for part in (part for part in totals if part.first % BLOCK == 1):
        for place, node in enumerate(nodes_of(part.first, part.last)):
            if node.last <= n_reps and (node.last % BLOCK == 0 or node.last == n_reps):
                yield part, place, node


def _in_blocks(rows: Iterable[PartName], n_reps: int) -> int:
    """Replications from the first on of which there are rows, in whole blocks or all."""
    gaps = missing(((part.first, part.last) for part in rows), n_reps)
    return (gaps[0][0] - 1) // BLOCK * BLOCK if gaps else n_reps
