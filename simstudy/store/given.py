"""True values and limits that users' methods gave with their rows.

They stand in `extras/`, under the names of `GIVEN`, since parts keep their columns; here they
come back beside the rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from simstudy.estimates import GIVEN, RANK
from simstudy.moments import Array, Floats, Ints
from simstudy.store import arrow, failures
from simstudy.store.names import PartName, method_key
from simstudy.store.results_folder import EXTRAS, ResultsFolder
from simstudy.study.study import Study

Key = tuple[str, str]  # scenario, method's key
_NAMES = (*GIVEN, RANK)


class Range(NamedTuple):
    """Least and greatest of some values."""

    low: float
    high: float


class _Extras(NamedTuple):
    """Values of a part by the indices of their name, method, scenario and replication."""

    name: Ints
    method: Ints
    scenario: Ints
    replication: Ints
    value: Floats


def ranges(study: Study, folder: ResultsFolder) -> dict[str, dict[Key, Range]]:
    """Name -> (scenario, method's key) -> range of what a study's own code gave."""
    givers = study.methods if study.generators else study.own_methods
    keys = {method_key(method.canonical) for method in givers}
    asked = failures.asked(study) if keys else set()
    ranges: dict[str, dict[Key, Range]] = {name: {} for name in GIVEN}
    for part in folder.parts():
        last = np.array([study.n_reps(scenario) - part.first for scenario in part.scenarios])
        if keys.isdisjoint(part.methods) or (last < 0).all():
            continue
        for name, key, values in _groups(_read(folder, part), part, last):
            if key in asked:
                low, high = ranges[name].get(key, (math.inf, -math.inf))
                ranges[name][key] = Range(min(low, values.min()), max(high, values.max()))
    return ranges


def _groups(given: _Extras | None, part: PartName, last: Ints) -> Iterator[tuple[str, Key, Floats]]:
    """Values of each name, scenario and method up to a replication of each scenario (from 0)."""
    if given is None:
        return
    named = (given.name >= 0) & (given.name < len(GIVEN))
    rows = np.flatnonzero(named & (given.replication <= last[given.scenario]))
    groups = np.stack([given.name, given.scenario, given.method], axis=1)[rows]
    for group in np.unique(groups, axis=0):
        name, scenario, method = group.tolist()
        values = given.value[rows[(groups == group).all(axis=1)]]
        yield GIVEN[name], (part.scenarios[scenario], part.methods[method]), values


def columns(
    folder: ResultsFolder, part: PartName, names: Sequence[str], methods: Collection[str]
) -> dict[str, Array]:
    """What stands beside a part's rows, each of shape (methods, scenarios, replications).

    Parameters
    ----------
    names : sequence of str
        Of `GIVEN`, or `RANK`.
    methods : collection of str
        Keys of the methods that gave any: others' parts are not looked at.

    Returns
    -------
    dict
        NaN where a row has none. `BrokenPartError` where what was written is lost.
    """
    shape = len(part.methods), len(part.scenarios), part.n_reps
    others = set(methods).isdisjoint(part.methods)
    given = None if others else _read(folder, part)
    if given is None:
        return dict.fromkeys(names, np.broadcast_to(np.nan, shape))
    out = {name: np.full(shape, np.nan) for name in names}
    for name, values in out.items():
        rows = given.name == _NAMES.index(name)
        place = given.method[rows], given.scenario[rows], given.replication[rows]
        values[place] = given.value[rows]
    return out


def _read(folder: ResultsFolder, part: PartName) -> _Extras | None:
    table = failures.of_part(folder, part, EXTRAS)
    if table is None:
        return None
    replication, value = (arrow.joined(table.column(name)) for name in ("replication", "value"))
    return _Extras(
        _codes(table.column("name"), _NAMES),
        _codes(table.column("method"), part.methods, method_key),
        _codes(table.column("scenario"), part.scenarios),
        arrow.to_numpy(replication) - part.first,
        arrow.to_numpy(value),
    )


def _codes(column: pa.ChunkedArray, known: Sequence[str], key: Callable[[str], str] = str) -> Ints:
    """Index of each word among the known ones; -1 of another."""
    levels, index = arrow.levels_of(column)
    words = [key(word) for word in levels]
    places = [known.index(word) if word in known else -1 for word in words]
    return np.array(places, dtype=np.int64)[index]
