"""Estimates of users' methods far from all others of their scenario.

Built-in methods do not diverge: their tails are the design's.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from simstudy.measures.block import Block
from simstudy.measures.extremes import Extreme, Extremes
from simstudy.measures.totals import Totals
from simstudy.moments import Array, Ints
from simstudy.runner.pieces import Wanted, replications
from simstudy.study.study import Study

_HEAVY = 10.0  # a kurtosis below which one estimate cannot be most of a variance


def extreme(
    study: Study,
    folder: Path,
    wanted: Wanted,
    totals: Totals,
    rows_of: Callable[[int], dict[str, Array]],
) -> list[str]:
    """A line for each method of the user's own that has extreme estimates.

    Rows are read of groups alone whose fourth moment says that some estimates stand out.
    """
    truth, found = wanted.truth.ravel(), Extremes()
    n_methods = len(study.methods)
    own = [group for group in _suspects(totals).tolist()
           if study.methods[group % n_methods].source is not None]  # fmt: skip
    for group in own:
        rows = rows_of(group)
        block = Block(rows, truth[group])
        columns = {name: np.atleast_2d(values) for name, values in rows.items()}
        columns["row"] = np.atleast_2d(replications(folder, wanted, group))
        found.see(np.array([group]), columns, block)

    def place(one: Extreme) -> tuple[str, str]:
        scenario = study.designs[one.group // n_methods].id
        how = f"(replay {folder} --scenario {scenario} --replication {one.row} shows it)"
        return f"scenario {scenario}, replication {one.row} {how}", f"{scenario}, {one.row}"

    labels = [method.label for method in study.methods] * len(study.designs)
    return found.lines(labels, totals.of_error.n, place)


def _suspects(totals: Totals) -> Ints:
    """Groups with a few estimates far from the others."""
    n, about = totals.of_error.n, totals.of_error.about
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        kurtosis = n * about[4, 0] / np.square(about[2, 0])
    usual = (kurtosis <= _HEAVY) | (n == 0) | (about[2, 0] == 0)
    return np.flatnonzero(~usual)
