"""Rows of many groups as rectangular blocks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from simstudy.estimates import STATUSES
from simstudy.measures import totals
from simstudy.measures.totals import Totals
from simstudy.moments import Array, Ints

_ROWS = 4096  # of a block
_BLOCKS = 2048  # that are kept until they are added up
_ABSENT = len(STATUSES)  # the status of what fills a rectangle up: no replication at all


def rectangles(group: Ints, rows: dict[str, Array]) -> Iterator[tuple[Ints, dict[str, Array]]]:
    """Blocks of rows of one group each, in their order, those of like length together.

    Yields
    ------
    groups : array of int, shape (K,)
    columns : dict of arrays, shape (K, n)
    """
    if not group.size:
        return
    order = np.argsort(group, kind="stable")
    ends = np.flatnonzero(np.diff(group[order], append=-1)) + 1
    starts = np.concatenate([[0], ends[:-1]])
    n_blocks = -(-(ends - starts) // _ROWS)
    before = np.cumsum(n_blocks) - n_blocks
    first = np.repeat(starts, n_blocks) + _ROWS * (
        np.arange(n_blocks.sum()) - np.repeat(before, n_blocks)
    )
    length = np.minimum(np.repeat(ends, n_blocks) - first, _ROWS)
    size = np.ceil(np.log2(length)).astype(int)
    for like in np.unique(size)[::-1]:  # a group's full blocks before its last, shorter one
        here = np.flatnonzero(size == like)
        place = np.arange(length[here].max())
        absent = place >= length[here][:, None]
        at = order[np.where(absent, first[here][:, None], first[here][:, None] + place)]
        block = {name: values[at] for name, values in rows.items()}
        block["status"] = np.where(absent, _ABSENT, block["status"])
        yield group[order[first[here]]], block


class Running:
    """Totals of groups, added up as blocks come."""

    def __init__(self) -> None:
        self._found: list[tuple[Ints, Totals]] = []
        self._n_blocks = 0

    def add(self, groups: Ints, found: Totals) -> None:
        """Add blocks, one of each of `groups`."""
        self._found.append((groups, found))
        self._n_blocks += groups.size
        if self._n_blocks > _BLOCKS + 2 * self._found[0][0].size:
            self.total()

    def total(self) -> Totals:
        """Totals of the groups, in their order."""
        group = np.concatenate([groups for groups, _ in self._found])
        blocks = totals.concatenate([found for _, found in self._found])
        order = np.argsort(group, kind="stable")
        there, number = np.unique(group, return_inverse=True)
        out = totals.combine(totals.take(blocks, order), number[order])
        self._found, self._n_blocks = [(there, out)], there.size
        return out
