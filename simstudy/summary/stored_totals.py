"""Stored totals instead of rows, as far as a study keeps totals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from simstudy.errors import UserError
from simstudy.measures import flat, totals
from simstudy.measures.tree import Nodes
from simstudy.moments import Bools, Ints
from simstudy.store import parts, totals_file
from simstudy.store.coverage import nodes_of, use
from simstudy.store.names import PartName, holders
from simstudy.store.results_folder import ResultsFolder
from simstudy.summary.source import StoredNodes

Place = tuple[int, int]  # a cell, and a row of a file


@dataclass(frozen=True)
class StoredTotals:
    """What is read as totals.

    Attributes
    ----------
    files : mapping
        File -> cells and the rows that are theirs.
    paired : array of bool, shape (cells,)
        Cells that the files hold beside the study's reference.
    """

    files: Mapping[PartName, Sequence[Place]] = field(default_factory=dict)
    paired: Bools = field(default_factory=lambda: np.zeros(0, dtype=bool))

    def nodes(
        self, folder: ResultsFolder, whose: parts.Whose, alphas: tuple[float, ...]
    ) -> Iterator[StoredNodes]:
        """Nodes, file after file."""
        for part, places in self.files.items():
            stored = totals_file.read(folder, part, whose)
            lost = [alpha for alpha in alphas if alpha not in stored.alphas]
            if lost:
                raise UserError(totals_file.no_such_level(lost, stored.alphas), file=str(folder))
            levels = np.array([stored.alphas.index(alpha) for alpha in alphas])
            cell, row = np.array(places, dtype=np.int64).T
            of_file = nodes_of(part.first, part.last)
            level, number = np.array([node[:2] for node in of_file])[row % len(of_file)].T
            own = flat.at_levels(totals.take(stored.totals, row), levels)
            with_pairs = np.flatnonzero(self.paired[cell])
            both = flat.at_levels(totals.take(stored.pairs, row[with_pairs]), levels)
            nodes = Nodes(cell, level, number, own)
            pairs = Nodes(cell[with_pairs], level[with_pairs], number[with_pairs], both)
            yield StoredNodes(nodes, pairs)


def stored_totals(
    folder: ResultsFolder,
    keys: Sequence[tuple[str, str]],
    n_reps: Ints,
    kept: Bools,
    reference: str | None,
) -> tuple[Ints, StoredTotals, Bools]:
    """How many rows of each cell are read, what after them, and which cells have totals.

    Parameters
    ----------
    keys : sequence of (str, str)
        Scenario and method key of each cell.
    n_reps : array of int
        Replications that are asked of each.
    kept : array of bool
        Cells of which totals are stored.
    reference : str, optional
        Canonical name of the method with which others are compared.
    """
    n_rows, files = n_reps.copy(), defaultdict(list)
    held = folder.held() if kept.any() else []
    rows = holders(part for part in held if not part.totals)
    of_totals = holders(part for part in held if part.totals)
    paired, with_totals = np.ones(kept.shape, dtype=bool), np.zeros(kept.shape, dtype=bool)
    has_pairs: dict[PartName, bool] = {}
    for cell in np.flatnonzero(kept).tolist():
        key = keys[cell]
        n_rows[cell], nodes = use(rows.get(key, ()), of_totals.get(key, ()), int(n_reps[cell]))
        with_totals[cell] = bool(nodes)
        for part, place in nodes:
            at = part.methods.index(key[1]) * len(part.scenarios) + part.scenarios.index(key[0])
            files[part].append((cell, at * len(nodes_of(part.first, part.last)) + place))
            if reference is not None and part not in has_pairs:
                has_pairs[part] = (parts.footer(folder, part) or {}).get("reference") == reference
            paired[cell] &= has_pairs.get(part, False)
    return n_rows, StoredTotals(dict(files), paired), with_totals
