"""Room 5: columns that would tell estimates apart that are taken for one group.

Imports roles and store.arrow. Where `by` is forgotten, the estimates of several scenarios are
summarised as one; their columns then repeat within each group.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from simstudy.moments import Array, Ints
from simstudy.store import arrow
from simstudy.summaries.roles import Roles

MOST_ROWS = 1_000_000
_FEW = 0.5  # of the most frequent level's rows, that every level has
_IDS = {  # what replications are called
    "rep", "reps", "replication", "replicate", "sim", "simulation", "iter", "iteration", "run",
    "dataset", "data_set", "id", "i", "seed", "repetition", "trial",
}  # fmt: skip


def repeating(names: Iterable[str], roles: Roles, column: Any, n: int) -> list[str]:
    """Columns whose levels repeat within each method, about equally often: forgotten groups.

    Parameters
    ----------
    names : iterable of str
        All columns.
    roles : Roles
    column : callable
        Name -> pyarrow column of all rows.
    n : int
        Rows.
    """
    method = np.zeros(n, dtype=np.int64)
    if roles.method is not None:
        method = arrow.levels_of(column(roles.method))[1]
    found = []
    for name in _others(names, roles):
        index, n_levels = _index(column(name))
        if n_levels > 1 and _in_turn(method, index, n_levels):
            found.append(name)
    return found


def separating(names: Iterable[str], roles: Roles, column: Any, n: int) -> list[str]:
    """Columns that tell apart rows that are the same replication of a method in a group.

    None where no columns of few levels do.
    """
    key = np.zeros(n, dtype=np.int64)
    for name in (roles.method, *roles.by, roles.replication):
        if name is not None:
            key = _both(key, _index(column(name))[0])
    candidates = {}
    for name in _others(names, roles):
        index, n_levels = _index(column(name))
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


def _others(names: Iterable[str], roles: Roles) -> list[str]:
    """Columns that have no role and are not called what replications are."""
    taken = {*roles.columns} - {*roles.where}
    return [name for name in names if name not in taken and name.lower() not in _IDS]


def _index(values: Any) -> tuple[Ints, int]:
    try:
        levels, index = arrow.levels_of(values)
    except arrow.NotLevelsError:
        return np.zeros(len(values), dtype=np.int64), 1
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
