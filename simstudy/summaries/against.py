"""Methods against a reference on rows that are kept."""

from __future__ import annotations

import numpy as np

from simstudy.errors import UserError, nearest
from simstudy.measures import pairs, totals
from simstudy.measures.block import Block
from simstudy.measures.pairs import Pairs
from simstudy.moments import Array, Bools, Ints
from simstudy.summaries.groups import Groups

_ROWS = 4096  # of a block


class Kept:
    """Rows of every group, in memory: what has no totals needs them."""

    def __init__(self) -> None:
        self._pieces: dict[int, list[dict[str, Array]]] = {}

    def add(self, group: Ints, rows: dict[str, Array]) -> None:
        """Keep rows by their group."""
        order = np.argsort(group, kind="stable")
        there, starts = np.unique(group[order], return_index=True)
        for g, index in zip(there.tolist(), np.split(order, starts[1:]), strict=True):
            mine = {name: values[index] for name, values in rows.items()}
            self._pieces.setdefault(g, []).append(mine)

    def rows(self, group: int) -> dict[str, Array]:
        """All rows of a group, in order."""
        found = self._pieces[group]
        if len(found) > 1:
            one = {name: np.concatenate([piece[name] for piece in found]) for name in found[0]}
            self._pieces[group] = found = [one]
        return found[0]


def against(
    kept: Kept, groups: Groups, reference: str, alphas: tuple[float, ...]
) -> tuple[Pairs, Bools]:
    """Totals of every group against the reference in the same cell, and which have any."""
    n = len(groups.keys)
    by_name = {(*key[:-1], str(key[-1])): g for key, g in groups.keys.items()}
    methods = list(dict.fromkeys(key[-1] for key in by_name))
    if reference not in methods:
        raise UserError(f"no method '{reference}'{nearest(reference, methods)}", file=groups.file)
    found, mine, compared = [], [], np.zeros(n, dtype=bool)
    for key, g in by_name.items():
        other = by_name.get((*key[:-1], reference))
        if other is None or other == g:
            continue
        compared[g] = True
        rows = _aligned(kept.rows(g), kept.rows(other), str(key[-1]), reference, groups.file)
        for start in range(0, rows["status"].shape[1], _ROWS):
            here = {name: values[:, start : start + _ROWS] for name, values in rows.items()}
            block = Block(here, groups.truth[[g, other]], False, groups.null_value)
            found.append(pairs.of_block(block, np.array([0]), np.array([1]), alphas))
            mine.append(g)
    found.append(pairs.nothing(n, len(alphas)))
    group = np.concatenate([np.array(mine, dtype=np.int64), np.arange(n)])
    order = np.argsort(group, kind="stable")
    both = totals.combine(totals.take(totals.concatenate(found), order), group[order])
    return both, compared


def _aligned(
    mine: dict[str, Array], other: dict[str, Array], name: str, reference: str, file: str
) -> dict[str, Array]:
    """Rows of the same replications of two methods, shape (2, n)."""
    n, m = mine["status"].size, other["status"].size
    first, second = np.arange(n), np.arange(m)
    if "replication" in mine:
        ids = mine["replication"], other["replication"]
        _, first, second = np.intersect1d(*ids, assume_unique=True, return_indices=True)
    elif n != m:
        message = f"'{name}' has {n} rows in a group and '{reference}' {m}"
        raise UserError(f"{message}; say which column numbers the replications", file=file)
    names = [column for column in mine if column != "replication"]
    return {k: np.stack([mine[k][first], other[k][second]]) for k in names}
