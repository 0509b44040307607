"""Room 4: from stored parts to totals by block. Imports store, measures and streams.

A part whose range is whole blocks is added up as it is read, all its methods and scenarios
in one go; what other ranges hold of a block is put together first. Either way a block's
totals are those of its rows in order, so how ranges were cut never shows in a summary.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from simstudy.generators.streams import BLOCK
from simstudy.measures import totals
from simstudy.measures.totals import COLUMNS, Totals
from simstudy.moments import Array, Floats, Ints
from simstudy.store import parts
from simstudy.store.names import PartName

_KEPT = 8  # parts in memory: small scenarios share them
Rows = dict[str, Array]


class Wanted(NamedTuple):
    """What is to be added up.

    Attributes
    ----------
    methods : sequence of str
        Method keys.
    scenarios : dict
        Scenario id -> 128-bit key, in order.
    truth : array, shape (scenarios, methods)
    alphas : tuple of float
    replications : int
        The first so many.
    seed : int, optional
        Of the study; rows of another are none of it.
    """

    methods: Sequence[str]
    scenarios: Mapping[str, int]
    truth: Floats
    alphas: tuple[float, ...]
    replications: int
    seed: int | None = None


def gather(folder: Path, wanted: Wanted) -> Totals:
    """Totals of every method in every scenario, scenario after scenario.

    Returns
    -------
    Totals
        Row ``scenario * len(methods) + method``; zeros where nothing is stored.
    """
    n_methods = len(wanted.methods)
    method = {key: i for i, key in enumerate(wanted.methods)}
    scenario = {name: i for i, name in enumerate(wanted.scenarios)}
    stored: dict[int, list[PartName]] = defaultdict(list)
    for part in parts.listing(folder):
        if part.first <= wanted.replications:
            for name in part.scenarios:
                if name in scenario:
                    for key in part.methods:
                        if key in method:
                            stored[scenario[name] * n_methods + method[key]].append(part)
    found = list(_totals(folder, wanted, stored, method, scenario))
    n_groups = len(scenario) * n_methods
    left = np.array([g for g in range(n_groups) if g not in stored], dtype=np.int64)
    if left.size or not found:
        found.append((left, np.zeros_like(left), _nothing(left.size, wanted.alphas)))
    group, block = (np.concatenate([piece[k] for piece in found]) for k in (0, 1))
    order = np.lexsort((block, group))
    blocks = totals.concatenate([piece[2] for piece in found])
    return totals.combine(totals.take(blocks, order), group[order])


def _nothing(n_groups: int, alphas: tuple[float, ...]) -> Totals:
    none = {name: np.empty((n_groups, 0)) for name in COLUMNS}
    return totals.of_block(none | {"status": np.empty((n_groups, 0), np.int8)}, 0.0, alphas)


def _totals(
    folder: Path,
    wanted: Wanted,
    stored: Mapping[int, list[PartName]],
    method: Mapping[str, int],
    scenario: Mapping[str, int],
) -> Iterator[tuple[Ints, Ints, Totals]]:
    """(group, block, totals) of parts that are whole blocks, then of all the other rows."""
    whose = parts.Whose(wanted.scenarios, wanted.seed)
    read = lru_cache(_KEPT)(lambda part: parts.read(folder, part, COLUMNS, whose))
    whole = {g for g, mine in stored.items() if _whole(mine, wanted.replications)}
    for part in dict.fromkeys(part for g in sorted(whole) for part in stored[g]):
        ids = [
            (i, k, scenario[name] * len(wanted.methods) + method[key])
            for k, name in enumerate(part.scenarios)
            for i, key in enumerate(part.methods)
            if name in scenario and key in method
        ]
        at_method, at_scenario, group = np.array([row for row in ids if row[2] in whole]).T
        rows = {k: v[at_method, at_scenario] for k, v in read(part).items()}
        truth = wanted.truth.ravel()[group]
        yield from _blocks(rows, group, truth, (part.first - 1) // BLOCK, wanted.alphas)
    for g in sorted(stored.keys() - whole):
        key, name = (
            wanted.methods[g % len(wanted.methods)],
            list(scenario)[g // len(wanted.methods)],
        )
        pieces = list(_in_order(stored[g], name, key, wanted.replications, read))
        rows = {k: np.concatenate([piece[k] for piece in pieces])[None, :] for k in COLUMNS}
        truth = wanted.truth.ravel()[[g]]
        yield from _blocks(rows, np.array([g]), truth, 0, wanted.alphas)


def _whole(mine: list[PartName], replications: int) -> bool:
    """Whether these parts are whole blocks, one after another, to the last replication."""
    done = 0
    for part in sorted(mine, key=lambda p: p.first):
        if part.first != done + 1 or done % BLOCK:
            return False
        done = part.last
    return done <= replications


def _blocks(
    rows: Rows, group: Ints, truth: Floats, block: int, alphas: tuple[float, ...]
) -> Iterator[tuple[Ints, Ints, Totals]]:
    """Totals of each block of rows, shape (groups, n), the first of which is `block`."""
    for first in range(0, rows["status"].shape[1], BLOCK):
        here = {k: v[:, first : first + BLOCK] for k, v in rows.items()}
        found = totals.of_block(here, truth, alphas)
        yield group, np.full(group.size, block + first // BLOCK), found


def _in_order(
    mine: list[PartName], scenario: str, method: str, last: int, read: Any
) -> Iterator[Rows]:
    """Rows 1..last of one method in one scenario, each once, from parts that may overlap."""
    done = 0
    for part in sorted(mine, key=lambda p: (p.first, -p.last)):
        if part.last <= done:
            continue
        at = part.methods.index(method), part.scenarios.index(scenario)
        here = slice(max(0, done + 1 - part.first), min(part.n_reps, last - part.first + 1))
        yield {k: v[at][here] for k, v in read(part).items()}
        done = part.last
