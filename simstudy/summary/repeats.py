"""Columns that would tell estimates apart that are taken for one group.

Where `by` is forgotten, the estimates of several scenarios are summarised as one; their columns
then repeat within each group.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simstudy.errors import UserError
from simstudy.moments import Array, Ints
from simstudy.readers.table import Batch
from simstudy.store import arrow
from simstudy.summary.groups import Groups

MOST_ROWS = 1_000_000
_FEW = 0.5  # of the most frequent level's rows, that every level has
_IDS = {  # what replications are called
    "rep", "reps", "replication", "replicate", "sim", "simulation", "iter", "iteration", "run",
    "dataset", "data_set", "id", "i", "seed", "repetition", "trial",
}  # fmt: skip


def repeating(groups: Groups) -> list[str]:
    """Columns whose levels repeat within each method, about equally often: forgotten groups."""
    rows = _every(groups)
    if rows is None:
        return []
    names = []
    method = _key(rows, [groups.roles.method])
    for name in _others(groups):
        index, n_levels = _index(rows, name)
        if n_levels > 1 and _in_turn(method, index, n_levels):
            names.append(name)
    return names


def separating(groups: Groups) -> list[str]:
    """Columns that tell apart rows that are the same replication of a method in a group.

    None where no columns of few levels do.
    """
    rows = _every(groups)
    if rows is None:
        return []
    roles, n = groups.roles, rows.num_rows
    key = _key(rows, [roles.method, *roles.by, roles.replication])
    candidates = {}
    for name in _others(groups):
        index, n_levels = _index(rows, name)
        if n_levels > 1 and n_levels**2 <= n:
            candidates[name] = index
    chosen: list[str] = []
    while _distinct(key) < n and candidates:
        counts = {name: _distinct(_both(key, index)) for name, index in candidates.items()}
        best = max(counts, key=lambda name: counts[name])
        if counts[best] == _distinct(key):
            return []
        key = _both(key, candidates.pop(best))
        chosen.append(best)
    return chosen if _distinct(key) == n else []


def _every(groups: Groups) -> Batch | None:
    """All rows that count with all their columns, where they are not too many.

    None where columns that nobody asked for cannot be read.
    """
    if groups.n_read > MOST_ROWS:
        return None
    names = [*groups.roles.columns, *_others(groups)]
    try:
        return groups.filtered(groups.opened.whole(names))[0]
    except UserError:
        return None


def _others(groups: Groups) -> list[str]:
    """Columns that have no role and are not called what replications are."""
    opened = groups.opened
    taken = {opened.place(name) for name in groups.roles._replace(where=()).columns}
    return [
        name for i, name in enumerate(opened.names)
        if name and i not in taken and opened.names.count(name) == 1 and name.lower() not in _IDS
    ]  # fmt: skip


def _key(rows: Batch, names: Sequence[str | None]) -> Ints:
    """A number for each combination of levels."""
    key = np.zeros(rows.num_rows, dtype=np.int64)
    for name in names:
        if name is not None:
            key = _both(key, _index(rows, name)[0])
    return key


def _index(rows: Batch, name: str) -> tuple[Ints, int]:
    """Number of each row's level, and how many levels there are; one of what has none."""
    try:
        levels, index = arrow.levels_of(rows.labels(name))
    except UserError:
        return np.zeros(rows.num_rows, dtype=np.int64), 1
    return index, len(levels) + int((index == len(levels)).any())


def _in_turn(method: Array, index: Ints, n_levels: int) -> bool:
    """Whether every method has the levels about equally often, and each of them repeatedly."""
    if n_levels**2 > index.size:
        return False
    counts = np.zeros((int(method.max()) + 1, int(index.max()) + 1), dtype=np.int64)
    np.add.at(counts, (method, index), 1)
    counts = counts[counts.any(axis=1)][:, counts.any(axis=0)]
    least, most = counts.min(), counts.max()
    return bool(least > 1 and least >= _FEW * most)


def _both(first: Ints, second: Ints) -> Ints:
    """One number for each pair."""
    both = first * (int(second.max(initial=0)) + 1) + second
    return np.asarray(np.unique(both, return_inverse=True)[1])


def _distinct(key: Ints) -> int:
    return int(np.unique(key).size)
