"""Rows of many groups as rectangular blocks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from simstudy.estimates import STATUSES
from simstudy.moments import Array, Ints

ROWS = 4096  # of a block
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
    n_blocks = -(-(ends - starts) // ROWS)
    before = np.cumsum(n_blocks) - n_blocks
    first = np.repeat(starts, n_blocks) + ROWS * (
        np.arange(n_blocks.sum()) - np.repeat(before, n_blocks)
    )
    length = np.minimum(np.repeat(ends, n_blocks) - first, ROWS)
    size = np.ceil(np.log2(length)).astype(int)
    for like in np.unique(size)[::-1]:  # a group's full blocks before its last, shorter one
        here = np.flatnonzero(size == like)
        place = np.arange(length[here].max())
        absent = place >= length[here][:, None]
        at = order[np.where(absent, first[here][:, None], first[here][:, None] + place)]
        block = {name: values[at] for name, values in rows.items()}
        block["status"] = np.where(absent, _ABSENT, block["status"])
        yield group[order[first[here]]], block
