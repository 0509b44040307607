"""Stored rows, block by block.

A part whose range is whole blocks gives all its methods and scenarios in one go; what other
ranges hold of a block is put together first. Either way a block is its rows in order, so how
ranges were cut never shows in a summary.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, lru_cache, partial
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np

from simstudy.generators.streams import BLOCK
from simstudy.measures.totals import COLUMNS
from simstudy.moments import Array, Bools, Floats, Ints
from simstudy.store import given, parts
from simstudy.store.names import PartName, holders

_KEPT = 8  # parts in memory: small scenarios share them
Rows = dict[str, Array]
Reader = Callable[[PartName], Rows]


class Wanted(NamedTuple):
    """What is to be added up.

    Attributes
    ----------
    methods : sequence of str
        Method keys.
    scenarios : dict
        Scenario id -> 128-bit key, in order.
    truth, null_value : arrays, shape (scenarios, methods)
    alphas : tuple of float
    replications : int
        The first so many.
    reference : int, optional
        Index of the method with which the others are compared.
    seed : int, optional
        Of the study; rows of another are none of it.
    given : tuple of str
        Names of what users' methods gave with their rows (`GIVEN`).
    givers : tuple of str
        Keys of the methods that gave any.
    limits : array of bool, shape (scenarios, methods), optional
        Where the intervals are given ones.
    asked : array of bool, shape (scenarios, methods), optional
        Methods that are asked for in a scenario; rows of others are none of the study. Default:
        all.
    """

    methods: Sequence[str]
    scenarios: Mapping[str, int]
    truth: Floats
    null_value: Floats
    alphas: tuple[float, ...]
    replications: int
    reference: int | None = None
    seed: int | None = None
    given: tuple[str, ...] = ()
    givers: tuple[str, ...] = ()
    limits: Bools | None = None
    asked: Bools | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """What is read of a row."""
        return (*COLUMNS, *self.given)

    @property
    def n_groups(self) -> int:
        """A group is a method in a scenario: ``scenario * len(methods) + method``."""
        return len(self.scenarios) * len(self.methods)

    def reference_of(self, group: int) -> int | None:
        """Group of the reference in the same scenario; None for itself, or if one is not asked."""
        if self.reference is None or group % len(self.methods) == self.reference:
            return None
        other = group - group % len(self.methods) + self.reference
        return other if self.asks(group) and self.asks(other) else None

    def asks(self, group: int) -> bool:
        """Whether a group is asked for."""
        return self.asked is None or bool(self.asked.flat[group])


class Unit(NamedTuple):
    """Rows that are read together.

    Attributes
    ----------
    parts : tuple of tuples of PartName
        One part that is whole blocks; else the parts of each of `groups`.
    groups : tuple of int
    whole : bool
        Whether `parts` is one part, in which all groups stand.
    against : tuple of (int, int)
        Places in `groups` of methods and of the reference with which they are compared.
    pair : bool
        Whether the rows are read for that alone.
    """

    parts: tuple[tuple[PartName, ...], ...]
    groups: tuple[int, ...]
    whole: bool
    against: tuple[tuple[int, int], ...] = ()
    pair: bool = False

    @property
    def n_rows(self) -> int:
        """Rows to be read."""
        return sum(part.n_rows for mine in self.parts for part in mine)


class Piece(NamedTuple):
    """Rows of one block, number `block`, of a unit's groups; arrays of shape (groups, n)."""

    groups: Ints
    block: int
    rows: Rows
    unit: Unit


def stored(folder: Path, wanted: Wanted) -> dict[int, list[PartName]]:
    """Group -> parts that hold rows of it."""
    there = holders(p for p in parts.listing(folder) if p.first <= wanted.replications)
    groups = product(wanted.scenarios, wanted.methods)
    return {g: there[both] for g, both in enumerate(groups) if both in there and wanted.asks(g)}


def units(found: Mapping[int, list[PartName]], wanted: Wanted) -> list[Unit]:
    """How the groups that are stored are read: whole parts first."""
    whole = {g for g, mine in found.items() if _whole(mine, wanted.replications)}
    groups: dict[PartName, list[int]] = defaultdict(list)
    for g in sorted(whole):
        for part in found[g]:
            groups[part].append(g)

    def together(g: int, other: int) -> bool:
        return g in whole and other in whole and found[g] == found[other]

    out = []
    for part, here in groups.items():
        others = [(g, wanted.reference_of(g)) for g in here]
        against = [(here.index(g), here.index(r)) for g, r in others
                   if r is not None and r in here and together(g, r)]  # fmt: skip
        out.append(Unit(((part,),), tuple(here), True, tuple(against)))
    out += [Unit((tuple(found[g]),), (g,), False) for g in sorted(found.keys() - whole)]
    for g in sorted(found):
        other = wanted.reference_of(g)
        if other is not None and other in found and not together(g, other):
            both = tuple(found[g]), tuple(found[other])
            out.append(Unit(both, (g, other), False, ((0, 1),), True))
    return out


def _whole(mine: list[PartName], replications: int) -> bool:
    """Whether these parts are whole blocks, one after another, to the last replication."""
    done = 0
    for part in sorted(mine, key=lambda p: p.first):
        if part.first != done + 1 or done % BLOCK:
            return False
        done = part.last
    return done <= replications


def pieces(folder: Path, wanted: Wanted, todo: Sequence[Unit]) -> Iterator[Piece]:
    """Blocks of rows, one after another."""
    whose = parts.Whose(wanted.scenarios, wanted.seed)

    @lru_cache(_KEPT)
    def read(part: PartName) -> Rows:
        rows = parts.read(folder, part, COLUMNS, whose)
        return rows | given.columns(folder, part, wanted.given, wanted.givers)

    for unit in todo:
        groups = np.array(unit.groups)
        if unit.whole:
            part = unit.parts[0][0]
            rows, first = _of_part(read(part), part, groups, wanted), part.first - 1
            for start in range(0, part.n_reps, BLOCK):
                here = {k: v[:, start : start + BLOCK] for k, v in rows.items()}
                yield Piece(groups, (first + start) // BLOCK, here, unit)
            continue
        each = [
            _blocks(_in_order(list(mine), g, wanted, read))
            for g, mine in zip(unit.groups, unit.parts, strict=True)
        ]
        for block, found in enumerate(zip(*each, strict=False)):
            n = min(rows["status"].size for rows in found)
            here = {k: np.stack([rows[k][:n] for rows in found]) for k in wanted.columns}
            yield Piece(groups, block, here, unit)


def _of_part(rows: Rows, part: PartName, groups: Ints, wanted: Wanted) -> Rows:
    """Rows of some groups of a part, shape (groups, replications)."""
    names, n_methods = list(wanted.scenarios), len(wanted.methods)
    at_method = [part.methods.index(wanted.methods[g % n_methods]) for g in groups]
    at_scenario = [part.scenarios.index(names[g // n_methods]) for g in groups]
    return {k: v[at_method, at_scenario] for k, v in rows.items()}


def _in_order(mine: list[PartName], group: int, wanted: Wanted, read: Reader) -> Iterator[Rows]:
    """Rows 1..last of one group, each once, from parts that may overlap."""
    done, last = 0, wanted.replications
    for part in sorted(mine, key=lambda p: (p.first, -p.last)):
        if part.last <= done:
            continue
        rows = _of_part(read(part), part, np.array([group]), wanted)
        here = slice(max(0, done + 1 - part.first), min(part.n_reps, last - part.first + 1))
        yield {k: v[0, here] for k, v in rows.items()}
        done = part.last


def replications(folder: Path, wanted: Wanted, group: int) -> Ints:
    """Numbers of the replications that `reader` gives of a group, in its order."""
    done, found = 0, [np.empty(0, dtype=np.int64)]
    mine = stored(folder, wanted).get(group, [])
    for part in sorted(mine, key=lambda p: (p.first, -p.last)):
        if part.last > done:
            last = min(part.last, wanted.replications)
            found.append(np.arange(max(done + 1, part.first), last + 1))
            done = part.last
    return np.concatenate(found)


def _blocks(found: Iterator[Rows]) -> Iterator[Rows]:
    """The same rows cut into blocks."""
    held: list[Rows] = []
    n = 0
    for rows in found:
        held.append(rows)
        n += rows["status"].size
        if n >= BLOCK:
            joined = {k: np.concatenate([one[k] for one in held]) for k in rows}
            for start in range(0, n - BLOCK + 1, BLOCK):
                yield {k: v[start : start + BLOCK] for k, v in joined.items()}
            held, n = [{k: v[n - n % BLOCK :] for k, v in joined.items()}], n % BLOCK
    if n:
        yield {k: np.concatenate([one[k] for one in held]) for k in held[0]}


def reader(folder: Path, wanted: Wanted) -> Callable[[int], Rows]:
    """All rows of a group, in order, by its number; for measures that have no totals."""
    there = cache(partial(stored, folder, wanted))

    def rows_of(group: int) -> Rows:
        mine = there().get(group, [])
        found = list(pieces(folder, wanted, [Unit((tuple(mine),), (group,), False)]))
        if not found:
            return dict.fromkeys(wanted.columns, np.empty(0)) | {"status": np.empty(0, np.int8)}
        return {k: np.concatenate([piece.rows[k][0] for piece in found]) for k in wanted.columns}

    return rows_of
