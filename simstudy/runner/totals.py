"""Totals of a task's replications, made as they are fitted.

Rows are held for as many replications as a range of rows would have, then only the nodes of
the tree over their blocks: the longest range needs no more memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Generic

import numpy as np

from simstudy.estimates import RANK, Estimates
from simstudy.generators.streams import BLOCK
from simstudy.measures import flat, pairs, totals, tree
from simstudy.measures.block import COLUMNS, Block
from simstudy.measures.pairs import Pairs
from simstudy.measures.totals import T, Totals
from simstudy.measures.tree import Nodes
from simstudy.moments import Array
from simstudy.registry import Method
from simstudy.runner.plan import LONGEST, bundles, names_of
from simstudy.runner.process import end_if_orphaned
from simstudy.runner.task import Task, run_task
from simstudy.store import parts, totals_file
from simstudy.store.names import PartName
from simstudy.store.results_folder import ResultsFolder
from simstudy.store.totals_file import Stored

_TOGETHER = 16  # blocks of all methods and scenarios that are added up in one go
_KEPT = 2048  # nodes that are kept beside each other until they are merged


def store_totals(task: Task, folder: ResultsFolder, source: Mapping[str, Any]) -> None:
    """Do a task that makes totals, and store them."""
    keys = {piece.id: parts.key_text(piece.key) for piece in task.pieces}
    for part, names, stored in totals_of(task):
        end_if_orphaned()
        about = {"keys": {name: keys[name] for name in part.scenarios}}
        totals_file.write(folder, part, names, stored, {**source, **about})


def totals_of(task: Task) -> Iterator[tuple[PartName, list[str], Stored]]:
    """What the files of a task hold, with the canonical names of their methods."""
    reference = task.reference
    more = () if reference is None or reference in task.methods else (reference,)
    every = (*task.methods, *more)
    cells = np.arange(len(task.methods) * len(task.pieces))
    own: _Blocks[Totals] = _Blocks()
    both: _Blocks[Pairs] = _Blocks()
    for first, n, block in _blocks(task, every):
        whole = block.status.shape[1] == BLOCK
        cell, place = np.repeat(cells, n), np.arange(cells.size * n)
        number = first + place % n
        found = totals.take(totals.of_ready(block, task.alphas), place)
        own.add(tree.of_blocks(cell, number, found), whole)
        if reference is not None:
            other = every.index(reference) * len(task.pieces) + cell % len(task.pieces)
            beside = pairs.of_block(block, place, other * n + place % n, task.alphas)
            both.add(tree.of_blocks(cell, number, beside), whole)
    held = own.nodes()
    _, held_pairs = flat.nothing(held.cell.size, task.alphas)
    if reference is not None:
        held_pairs = both.nodes().totals
    table = cells.reshape(len(task.methods), -1)
    for part, (pieces, chosen) in zip(names_of(task), bundles(task), strict=True):
        here = np.flatnonzero(np.isin(held.cell, table[chosen, pieces]))
        stored = totals.take(held.totals, here), totals.take(held_pairs, here)
        names = [method.canonical for method in task.methods[chosen]]
        compared = None if reference is None else reference.canonical
        yield part, names, Stored(*stored, task.alphas, compared)


class _Blocks(Generic[T]):
    """Blocks of some cells as they come, those that are whole merged."""

    def __init__(self) -> None:
        self._whole: list[Nodes[T]] = []
        self._last: list[Nodes[T]] = []

    def add(self, nodes: Nodes[T], whole: bool) -> None:
        """Add blocks of every cell."""
        (self._whole if whole else self._last).append(nodes)
        if len(self._whole) * nodes.cell.size >= _KEPT:
            self._whole = self._merged()

    def nodes(self) -> Nodes[T]:
        """All of them, cell by cell in the order of the blocks."""
        nodes = tree.joined([*self._merged(), *self._last])
        return nodes.take(np.lexsort((nodes.first, nodes.cell)))

    def _merged(self) -> list[Nodes[T]]:
        return [tree.halves_merged(tree.joined(self._whole))] if self._whole else []


def _blocks(task: Task, every: tuple[Method, ...]) -> Iterator[tuple[int, int, Block]]:
    """Number of the first of some blocks, how many they are, and their rows.

    Method after method, scenario after scenario, block after block.
    """
    of_each = [(method, piece) for method in every for piece in task.pieces]
    truth = np.array([method.truth(piece.scenario) for method, piece in of_each], dtype=float)
    null_value = np.array([method.null_value for method, _ in of_each], dtype=float)
    fitted = replace(task, methods=every, alphas=(), reference=None)
    at_once = max(LONGEST // (len(task.pieces) * BLOCK), 1) * BLOCK
    together = max(_TOGETHER // len(of_each), 1)
    for first in range(task.first, task.last + 1, at_once):
        some = fitted.only(first, min(first + at_once - 1, task.last))
        rows = _columns(run_task(some), some.n_reps)
        whole = some.n_reps // BLOCK
        ends = [*range(0, whole, together), whole]
        cuts = [(one * BLOCK, other * BLOCK) for one, other in pairwise(ends)]
        for start, end in [*cuts, (whole * BLOCK, some.n_reps)]:
            n = max((end - start) // BLOCK, 1)
            if start < end:
                here = {name: values[:, start:end].reshape(len(of_each) * n, -1)
                        for name, values in rows.items()}  # fmt: skip
                block = Block(here, truth.repeat(n), null_value=null_value.repeat(n), limits=False)
                yield (first - 1 + start) // BLOCK, n, block


def _columns(estimates: Sequence[Estimates], n_reps: int) -> dict[str, Array]:
    """Rows as `Block` reads them, shape (methods and scenarios, replications)."""
    columns = {
        name: np.concatenate([getattr(of_method, name).reshape(-1, n_reps)
                              for of_method in estimates]) for name in COLUMNS
    }  # fmt: skip
    extras = [of_method.extras or {} for of_method in estimates]
    if any(RANK in of_method for of_method in extras):
        none = np.full_like(estimates[0].estimate, np.nan)
        columns[RANK] = np.concatenate([of_method.get(RANK, none).reshape(-1, n_reps)
                                        for of_method in extras])  # fmt: skip
    return columns
