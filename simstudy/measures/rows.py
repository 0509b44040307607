"""Measures that are made from the rows of a cell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from simstudy.custom.verdict import in_brief
from simstudy.estimates import Failure
from simstudy.measures.record import Basis, Cells, Measure
from simstudy.measures.values import NAN, Column, plain
from simstudy.moments import Array, Bools

Rows = dict[str, Array]


class Answer(NamedTuple):
    """What a measure gave of one set of rows; NaN where there is no number.

    Attributes
    ----------
    own_mcse : bool
        Whether the Monte Carlo SE is the measure's own, not bootstrapped.
    failure : Failure or None
        Why there is no value, or no Monte Carlo SE beside it.
    n_used : int
        Rows that were used.
    """

    value: float
    mcse: float
    own_mcse: bool = False
    failure: Failure | None = None
    n_used: int = 0


ROWS = Basis(None, frozenset({"rows"}))
OWN_ROWS = Basis(None, frozenset({"rows"}), True)


def columns_of_rows(
    measures: Sequence[Measure],
    rows_of: Callable[[int], Rows],
    cells: Cells,
    warn: Callable[[str], None],
    there: Bools | bool = True,
) -> Iterator[Column]:
    """Measures of every cell from its rows, which `rows_of` gives by the cell's number.

    Cells that are not `there` have no rows, or not all.

    `warn` is told, in a line each, which of them failed where, and why.
    """
    if not measures:
        return
    n_all, truth = cells.totals.n_all, cells.level
    found = np.full((len(measures), 2, n_all.size), NAN)
    n_used = np.zeros((len(measures), n_all.size), dtype=np.int64)
    failures: list[list[Failure]] = [[] for _ in measures]
    for cell in np.flatnonzero((n_all > 0) & there).tolist():
        rows = rows_of(cell)
        for k, measure in enumerate(measures):
            answer = measure.value(rows, float(truth[cell]))
            found[k, :, cell] = answer.value, answer.mcse
            n_used[k, cell] = answer.n_used
            failures[k] += [answer.failure] if answer.failure is not None else []
    for k, measure in enumerate(measures):
        if failures[k]:
            warn(_failed(measure.name, failures[k], int((n_used[k] > 0).sum())))
        there = measure.basis.there(cells, n_used[k])
        yield Column(measure.name, NAN, plain(*found[k]), n_used[k], n_all - n_used[k], there)


def _failed(name: str, failures: Sequence[Failure], n_cells: int) -> str:
    """Where a measure failed, how often, and the commonest reason."""
    reasons = [in_brief(failure) for failure in failures]
    commonest = max(dict.fromkeys(reasons), key=reasons.count)
    cells = "cell (a method in a scenario)" if n_cells == 1 else "cells"
    return (f"the measure {name} failed in {len(failures)} of {n_cells} {cells}, where its "
            f"numbers are missing: {commonest}")  # fmt: skip
