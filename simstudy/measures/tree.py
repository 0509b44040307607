"""Totals merged up a fixed binary tree over the numbers of blocks.

Node k of level l holds blocks k 2^l to (k + 1) 2^l - 1, and is the merge of nodes 2k and 2k + 1
of the level below; a node that has no neighbor goes up as it is. So what is added up is the
same to the last digit in any order of arrival, however it was cut, and wherever halves met.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

import numpy as np

from simstudy.measures import totals
from simstudy.measures.totals import T
from simstudy.moments import Ints


@dataclass(frozen=True, slots=True)
class Nodes(Generic[T]):
    """Nodes of the trees of some cells, in any order; none holds blocks of another.

    Attributes
    ----------
    cell, level, index : arrays of int, shape (K,)
    totals : Totals or Pairs
        A row a node.
    """

    cell: Ints
    level: Ints
    index: Ints
    totals: T

    @property
    def first(self) -> Ints:
        """Number of the first block of each."""
        return np.asarray(self.index << self.level)

    def take(self, places: Ints) -> Nodes[T]:
        """These nodes, in this order."""
        held = totals.take(self.totals, places)
        return Nodes(self.cell[places], self.level[places], self.index[places], held)


def of_blocks(cells: Ints, number: Ints | int, blocks: T) -> Nodes[T]:
    """Blocks by their numbers as nodes."""
    index = np.broadcast_to(np.asarray(number, dtype=np.int64), cells.shape)
    return Nodes(cells, np.zeros_like(index), index, blocks)


def joined(pieces: Sequence[Nodes[T]]) -> Nodes[T]:
    """Nodes of several pieces as one."""
    if len(pieces) == 1:
        return pieces[0]
    return Nodes(
        np.concatenate([piece.cell for piece in pieces]),
        np.concatenate([piece.level for piece in pieces]),
        np.concatenate([piece.index for piece in pieces]),
        totals.concatenate([piece.totals for piece in pieces]),
    )


def halves_merged(nodes: Nodes[T]) -> Nodes[T]:
    """Fewer nodes that hold the same: where both halves of one are there, that one instead."""
    return _up(nodes, promote=False)


def merged(nodes: Nodes[T]) -> Nodes[T]:
    """One node of each cell, in the order of the cells: the total of all that it has."""
    return _up(nodes, promote=True)


def _up(nodes: Nodes[T], promote: bool) -> Nodes[T]:
    """Merge level by level, until no cell has two nodes, or no two that are halves of one."""
    nodes = nodes.take(np.lexsort((nodes.first, nodes.cell)))
    cell, level, index, held = nodes.cell, nodes.level.copy(), nodes.index.copy(), nodes.totals
    same = cell[1:] == cell[:-1]
    if (same & (nodes.first[1:] < nodes.first[:-1] + (1 << level[:-1]))).any():
        raise ValueError("blocks are there twice")
    at = int(level.min(initial=0))
    while same.any() and (promote or at <= level.max()):
        here = level == at
        pair = same & here[1:] & here[:-1] & (index[:-1] % 2 == 0) & (index[1:] == index[:-1] + 1)
        left = np.flatnonzero(pair)
        up = here if promote else np.zeros_like(here)
        up[left] = True
        level[up] += 1
        index[up] >>= 1
        if left.size:
            held = _with_pairs(held, left)
            cell, level, index = (np.delete(array, left + 1) for array in (cell, level, index))
            same = cell[1:] == cell[:-1]
        at += 1
    return Nodes(cell, level, index, held)


def _with_pairs(held: T, left: Ints) -> T:
    """Totals in which each of `left` and its neighbor are one."""
    both = totals.merge(totals.take(held, left), totals.take(held, left + 1))
    n = totals.length(held)
    place = np.arange(n)
    place[left] = n + np.arange(left.size)
    return totals.take(totals.concatenate([held, both]), np.delete(place, left + 1))
