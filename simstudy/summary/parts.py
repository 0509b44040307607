"""Stored rows, block by block.

A part whose range is whole blocks gives all its methods and scenarios in one go; what other
ranges hold of a block is put together first. Either way a block is its rows in order, so how
ranges were cut never shows in a summary.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from simstudy.generators.streams import BLOCK
from simstudy.measures.block import COLUMNS, Block
from simstudy.measures.rows import Rows
from simstudy.moments import Bools, Ints
from simstudy.store import given, parts
from simstudy.store.names import PartName, holders
from simstudy.store.results_folder import ResultsFolder
from simstudy.summary.source import CellFacts, RowBlock, Source, StoredNodes
from simstudy.summary.stored_totals import StoredTotals

_KEPT = 8  # parts in memory: small scenarios share them
_TOGETHER = 16  # blocks of a cell
_IN_PROCESS = 4_000_000  # rows up to which workers do not pay
_SHARES = 4  # of each worker
Reader = Callable[[PartName], Rows]


class Reading(NamedTuple):
    """Rows that are read together.

    Attributes
    ----------
    parts : tuple of tuples of PartName
        One part that is whole blocks; else those of all of `cells`, or of each.
    cells : tuple of int
    whole : bool
        Whether `parts` is one part, in which all cells stand.
    against : tuple of (int, int)
        Places in `cells` of methods and of the reference with which they are compared.
    pair : bool
        Whether the rows are read for that alone.
    """

    parts: tuple[tuple[PartName, ...], ...]
    cells: tuple[int, ...]
    whole: bool
    against: tuple[tuple[int, int], ...] = ()
    pair: bool = False


@dataclass
class StoredRows(Source):
    """The rows of a study's results folder.

    Attributes
    ----------
    keys : tuple of (str, str)
        Scenario and method key of each cell.
    scenarios : mapping
        Scenario id -> 128-bit key.
    asked : array of bool, shape (K,)
        Cells that are asked for; rows of others are none of the study.
    n_reps : array of int, shape (K,)
        The first so many of each.
    others : array of int, shape (K,)
        Cell with which each is compared; -1 where there is none.
    seed : int
        Of the study; rows of another are none of it.
    given, givers : tuple of str
        Names of what users' methods gave with their rows (`GIVEN`), and keys of the methods that
        gave any.
    totals : StoredTotals
        What of them is read as totals, after these rows.
    begin : int
        Blocks of each cell that are left out, before all that are read.
    known : tuple of StoredNodes
        What these add up to.
    chosen : tuple of Reading, optional
        A worker's share of the readings; None is all.
    """

    folder: ResultsFolder
    keys: tuple[tuple[str, str], ...]
    scenarios: Mapping[str, int]
    facts: CellFacts
    alphas: tuple[float, ...]
    n_reps: Ints
    seed: int
    asked: Bools
    others: Ints
    given: tuple[str, ...]
    givers: tuple[str, ...]
    totals: StoredTotals = field(default_factory=StoredTotals)
    begin: int = 0
    known: tuple[StoredNodes, ...] = ()
    chosen: tuple[Reading, ...] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """What is read of a row."""
        return (*COLUMNS, *self.given)

    @cached_property
    def _parts(self) -> dict[int, list[PartName]]:
        """Cell -> parts that hold rows of it."""
        most = self.n_reps.max(initial=0)
        held = holders(
            p for p in self.folder.parts() if p.first <= most and p.last > self.begin * BLOCK
        )
        stored = {cell: held[key] for cell, key in enumerate(self.keys)
                  if key in held and self.asked[cell]}  # fmt: skip
        for cell in stored.keys() & set(np.flatnonzero(self.n_reps < most).tolist()):
            last = int(self.n_reps[cell])
            stored[cell] = [part for part in stored[cell] if part.first <= last]
        return {cell: names for cell, names in stored.items() if names}

    @cached_property
    def _readings(self) -> tuple[Reading, ...]:
        """How the cells that are stored are read, whole parts first; of a worker its share."""
        if self.chosen is not None:
            return self.chosen
        stored = self._parts
        whole = {
            cell for cell, names in stored.items() if _whole(names, self.n_reps[cell], self.begin)
        }
        cells: dict[PartName, list[int]] = defaultdict(list)
        for cell in sorted(whole):
            for part in stored[cell]:
                cells[part].append(cell)

        def together(cell: int, other: int) -> bool:
            return {cell, other} <= whole and stored[cell] == stored[other]

        out = []
        for part, here in cells.items():
            others = self.others[here].tolist()
            against = [(k, here.index(other)) for k, other in enumerate(others)
                       if other in here and together(here[k], other)]  # fmt: skip
            out.append(Reading(((part,),), tuple(here), True, tuple(against)))
        alike: dict[tuple[tuple[PartName, ...], int], list[int]] = defaultdict(list)
        for cell in sorted(stored.keys() - whole):
            alike[tuple(stored[cell]), int(self.n_reps[cell])].append(cell)
        out += [Reading((names,), tuple(here), False) for (names, _), here in alike.items()]
        for cell in sorted(stored):
            other = int(self.others[cell])
            if other in stored and not together(cell, other):
                both = tuple(stored[cell]), tuple(stored[other])
                out.append(Reading(both, (cell, other), False, ((0, 1),), True))
        return tuple(out)

    def shares(self, jobs: int) -> Sequence[StoredRows]:
        """Readings for `jobs` workers, neighbours together since they share parts."""
        readings = self._readings
        n_rows = sum(part.n_rows for r in readings for names in r.parts for part in names)
        if jobs <= 1 or n_rows <= _IN_PROCESS:
            return [self]
        size = -(-len(readings) // (_SHARES * jobs))
        starts = range(0, len(readings), size)
        none = StoredTotals()
        first, *others = (replace(self, chosen=readings[i : i + size]) for i in starts)
        return [first, *(replace(other, totals=none, known=()) for other in others)]

    def stored(self) -> Iterator[StoredNodes]:
        """Totals that are known, or stored instead of rows."""
        whose = parts.Whose(self.scenarios, self.seed)
        yield from self.known
        yield from self.totals.nodes(self.folder, whose, self.alphas)

    def first(self) -> Iterator[RowBlock]:
        """All blocks, one after another, those of pairs too."""
        return self._blocks(self._readings)

    def again(self) -> Iterator[RowBlock]:
        """All blocks but those of pairs."""
        return self._blocks([reading for reading in self._readings if not reading.pair])

    def rows_of(self, cell: int) -> Rows:
        """All rows of a cell, in order; for measures that have no totals."""
        names = tuple(self._parts.get(cell, ()))
        pieces = list(self._in_order(names, np.array([cell])))
        if not pieces:
            return dict.fromkeys(self.columns, np.empty(0)) | {"status": np.empty(0, np.int8)}
        return {k: np.concatenate([rows[k][0] for rows in pieces]) for k in self.columns}

    def numbers_of(self, cell: int) -> Ints:
        """Numbers of the replications of `rows_of`."""
        spans = self._spans(self._parts.get(cell, ()), cell)
        numbers = [np.arange(part.first, part.last + 1)[here] for part, here in spans]
        return np.concatenate([np.empty(0, dtype=np.int64), *numbers])

    @cached_property
    def _ahead(self) -> ResultsFolder:
        """Where the parts of a pass are read from."""
        return self.folder

    @cached_property
    def _read(self) -> Reader:
        """What reads a part, the last few once."""
        whose = parts.Whose(self.scenarios, self.seed)

        @lru_cache(_KEPT)
        def read(part: PartName) -> Rows:
            rows = parts.read(self._ahead, part, COLUMNS, whose)
            return rows | given.columns(self.folder, part, self.given, self.givers)

        return read

    def block(self, cells: Ints, rows: Rows) -> Block:
        """Rows of some cells, shape (cells, n), ready for totals."""
        truth, null_value = self.facts.truth[cells], self.facts.null_value[cells]
        return Block(rows, truth, null_value=null_value, limits=self.facts.limits[cells])

    def _blocks(self, readings: Sequence[Reading]) -> Iterator[RowBlock]:
        names = [part for reading in readings if reading.whole for part in reading.parts[0]]
        self._ahead = self.folder.ahead(map(self.folder.of_part, names))
        for reading in readings:
            cells = np.array(reading.cells)
            against, pair = reading.against, reading.pair
            if reading.whole:
                part = reading.parts[0][0]
                rows, first = self._of_part(self._read(part), part, cells), part.first - 1
                done = 0
                if cells.size == 1 and not against:
                    yield from self._together(rows, cells, first // BLOCK)
                    done = part.n_reps // BLOCK * BLOCK
                for start in range(done, part.n_reps, BLOCK):
                    here = {k: v[:, start : start + BLOCK] for k, v in rows.items()}
                    block, number = self.block(cells, here), (first + start) // BLOCK
                    yield RowBlock(cells, number, block, against, pair)
                continue
            alike = [cells] if len(reading.parts) == 1 else np.split(cells, cells.size)
            each = [
                _cut(self._in_order(names, some))
                for some, names in zip(alike, reading.parts, strict=True)
            ]
            for number, pieces in enumerate(zip(*each, strict=False), self.begin):
                n = min(rows["status"].shape[1] for rows in pieces)
                here = {
                    k: np.concatenate([rows[k][:, :n] for rows in pieces]) for k in self.columns
                }
                yield RowBlock(cells, number, self.block(cells, here), against, pair)

    def _together(self, rows: Rows, cell: Ints, number: int) -> Iterator[RowBlock]:
        """Whole blocks of one cell, some at a time: each costs more to ask for than to add up."""
        n_blocks = rows["status"].shape[1] // BLOCK
        for start in range(0, n_blocks, _TOGETHER):
            n = min(_TOGETHER, n_blocks - start)
            span = slice(start * BLOCK, (start + n) * BLOCK)
            here = {k: v[0, span].reshape(n, BLOCK) for k, v in rows.items()}
            cells = np.repeat(cell, n)
            block = self.block(cells, here)
            yield RowBlock(cells, number + start + np.arange(n), block, (), False)

    def _of_part(self, rows: Rows, part: PartName, cells: Ints) -> Rows:
        """Rows of some cells of a part, shape (cells, replications)."""
        keys = [self.keys[cell] for cell in cells]
        at_scenario = [part.scenarios.index(scenario) for scenario, _ in keys]
        at_method = [part.methods.index(method) for _, method in keys]
        return {k: v[at_method, at_scenario] for k, v in rows.items()}

    def _in_order(self, names: Sequence[PartName], cells: Ints) -> Iterator[Rows]:
        """Rows 1..last of cells that have the same, each once."""
        for part, here in self._spans(names, int(cells[0])):
            rows = self._of_part(self._read(part), part, cells)
            yield {k: v[:, here] for k, v in rows.items()}

    def _spans(self, names: Sequence[PartName], cell: int) -> Iterator[tuple[PartName, slice]]:
        """What of parts that may overlap is read, so that replications follow each other."""
        done = self.begin * BLOCK
        for part in sorted(names, key=lambda part: (part.first, -part.last)):
            if part.last > done:
                yield part, slice(max(0, done + 1 - part.first), self.n_reps[cell] - part.first + 1)
                done = part.last


def _whole(names: Sequence[PartName], last: int, begin: int) -> bool:
    """Whether these parts are whole blocks, one after another, to the last replication."""
    done = begin * BLOCK
    for part in sorted(names, key=lambda part: part.first):
        if part.first != done + 1 or done % BLOCK:
            return False
        done = part.last
    return done <= last


def _cut(pieces: Iterator[Rows]) -> Iterator[Rows]:
    """The same rows cut into blocks."""
    held: list[Rows] = []
    n = 0
    for rows in pieces:
        held.append(rows)
        n += rows["status"].shape[1]
        if n >= BLOCK:
            joined = {k: np.concatenate([piece[k] for piece in held], axis=1) for k in rows}
            for start in range(0, n - BLOCK + 1, BLOCK):
                yield {k: v[:, start : start + BLOCK] for k, v in joined.items()}
            held, n = [{k: v[:, n - n % BLOCK :] for k, v in joined.items()}], n % BLOCK
    if n:
        yield {k: np.concatenate([piece[k] for piece in held], axis=1) for k in held[0]}
