"""What rows added up to when scenarios were looked at, so that they are not read again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simstudy.generators.streams import BLOCK
from simstudy.measures.totals import T
from simstudy.measures.tree import Nodes
from simstudy.moments import Ints
from simstudy.study.study import Study
from simstudy.summary.add_up import nodes_of
from simstudy.summary.parts import StoredRows
from simstudy.summary.source import StoredNodes


class Looks:
    """Totals of the whole blocks of scenarios, from one look at them to the next.

    Of one study as it grows. They are nodes of the tree over blocks, so the digits are those of
    all rows read at once.
    """

    def __init__(self) -> None:
        self._places: dict[str, int] = {}  # of scenarios, in the order in which they were met
        self._n_blocks: dict[str, int] = {}
        self._kept: list[StoredNodes] = []

    def n_blocks(self, scenario: str) -> int:
        """Blocks of a scenario that are known."""
        return self._n_blocks.get(scenario, 0)

    def remembering(self, study: Study, source: StoredRows, jobs: int) -> StoredRows:
        """The same rows, of which those that are known already are not read.

        All scenarios of the study have as many replications, and as many blocks that are known.
        """
        ids = [design.id for design in study.designs]
        if study.own_methods or study.generators or study.sample is not None:
            return source  # a truth that a user's code gives may change; totals are read quickly
        known, end = self._n_blocks.get(ids[0], 0), study.n_reps(ids[0]) // BLOCK
        place = np.array([self._places.setdefault(scenario, len(self._places)) for scenario in ids])
        n_methods = len(study.methods)
        cells = (place[:, None] * n_methods + np.arange(n_methods)).ravel()
        if end > known:
            more = replace(source, n_reps=np.minimum(source.n_reps, end * BLOCK), begin=known)
            self._kept.append(_renumbered(nodes_of(more, jobs), cells))
            self._n_blocks |= dict.fromkeys(ids, end)
        back = np.full(len(self._places) * n_methods, -1)
        back[cells] = np.arange(cells.size)
        kept = tuple(_renumbered(nodes, back) for nodes in self._kept)
        return replace(source, begin=end, known=kept)


def _renumbered(nodes: StoredNodes, numbers: Ints) -> StoredNodes:
    """Nodes of cells by other numbers; those of cells that have none are left out."""
    return StoredNodes(_of_others(nodes.own, numbers), _of_others(nodes.pairs, numbers))


def _of_others(nodes: Nodes[T], numbers: Ints) -> Nodes[T]:
    there = nodes.take(np.flatnonzero(numbers[nodes.cell] >= 0))
    return Nodes(numbers[there.cell], there.level, there.index, there.totals)
