"""Which of the methods that may be compared has the most power."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from simstudy.estimands import estimand
from simstudy.measures.simultaneous import LEVEL
from simstudy.moments import Bools
from simstudy.numerics.tails import critical_value
from simstudy.report.found.cells import Estimate, MethodCells, cells_by_method
from simstudy.report.found.paired import Paired, paired
from simstudy.report.pivot import Cell, Wide

Hypothesis = tuple[str | None, float]  # estimand and null value


class Powers(NamedTuple):
    """Powers of methods that test the same hypothesis, in the scenarios that all of them have.

    Attributes
    ----------
    tested : str
        The estimand with its article.
    null_value : float
    left_out : list of str
        Methods that are liberal somewhere, and not compared.
    of : int
        Scenarios where the hypothesis is false.
    n : int
        Those in which all methods that are compared have a power.
    means : list of (str, Estimate)
        The method with the largest mean first.
    below : list of str
        Methods whose mean is shown to be below the first one's, whatever the correlation.
    most : list of (str, int)
        Methods shown to have more power than every other, and in how many scenarios.
    undecided : int
        Scenarios where none is.
    gain : Estimate or None
        By how much the mean power of the first exceeds that of the second in the same data
        sets, where one of them is the reference method.
    """

    tested: str
    null_value: float
    left_out: list[str]
    of: int
    n: int = 0
    means: Sequence[tuple[str, Estimate]] = ()
    below: Sequence[str] = ()
    most: Sequence[tuple[str, int]] = ()
    undecided: int = 0
    gain: Estimate | None = None


def powers(rates: Wide, differences: Wide, liberal: Collection[str]) -> list[Powers]:
    """Compare powers, a hypothesis after the other.

    Parameters
    ----------
    rates, differences : Wide
        Rejection rates, and their differences from the reference method.
    liberal : collection of str
        Methods that are not compared.
    """
    pairs = paired(rates, differences)
    return [_compared(aimed, _powers_of(rates, aimed), pairs, liberal)
            for aimed in _hypotheses(rates)]  # fmt: skip


def _hypothesis(cell: Cell) -> Hypothesis | None:
    """What a power is the power to reject; None of what is none."""
    return (cell.aim.estimand, cell.aim.null_value) if cell.aim.null is False else None


def _hypotheses(rates: Wide) -> list[Hypothesis]:
    every = (_hypothesis(cell) for _, cells in rates.rows for cell in cells.values() if cell)
    return list(dict.fromkeys(one for one in every if one is not None))


def _powers_of(rates: Wide, aimed: Hypothesis) -> dict[str, MethodCells]:
    return cells_by_method(rates, lambda cell: _hypothesis(cell) == aimed)


def _compared(
    aimed: Hypothesis, cells: dict[str, MethodCells], pairs: Paired, liberal: Collection[str]
) -> Powers:
    name, null_value = aimed
    fair = {method: of for method, of in cells.items() if method not in liberal}
    found = Powers(
        "the truth" if name is None else estimand(name).words, null_value,
        [method for method in cells if method in liberal],
        len({row for of in cells.values() for row in of.rows}),
    )  # fmt: skip
    shared = set.intersection(*(set(of.rows) for of in fair.values())) if fair else set()
    if not shared:
        return found
    rows = tuple(sorted(shared))
    fair = {method: of.only(rows) for method, of in fair.items()}
    means = sorted(((m, of.mean) for m, of in fair.items()), key=lambda one: -one[1].value)
    most = {method: int(_most(method, fair, pairs).sum()) for method, _ in means}
    return found._replace(
        n=len(rows),
        means=means,
        below=_below(fair, [method for method, _ in means], pairs),
        most=[(method, n) for method, n in most.items() if n],
        undecided=len(rows) - sum(most.values()),
        gain=_difference(means[0][0], means[1][0], rows, pairs) if means[1:] else None,
    )


def _most(method: str, cells: dict[str, MethodCells], pairs: Paired) -> Bools:
    """Where a power is above every other: by the paired difference, else by intervals apart."""
    own = cells[method]
    above = np.full(len(own), len(cells) > 1)
    for other, of in cells.items():
        if other != method:
            difference = pairs.of(method, other, own.rows)
            above &= own.low > of.high if difference is None else difference.low > 0
    return above


def _below(cells: dict[str, MethodCells], order: Sequence[str], pairs: Paired) -> list[str]:
    """Methods whose mean is below the largest, with 95 % for all pairs of methods together.

    Unpaired, a difference has at most the sum of the two errors.
    """
    first, *others = order
    n_pairs = len(order) * len(others) / 2
    z = float(critical_value(math.inf, (1.0 - LEVEL) / n_pairs)) if others else math.nan
    below, top = [], cells[first]
    for method in others:
        own, paired_mean = cells[method], _difference(first, method, top.rows, pairs)
        gap = top.mean.value - own.mean.value
        error = top.cautious_error + own.cautious_error
        if paired_mean is not None:
            gap, error = paired_mean.value, paired_mean.mcse
        if gap > z * error:
            below.append(method)
    return below


def _difference(first: str, second: str, rows: tuple[int, ...], pairs: Paired) -> Estimate | None:
    """Difference of mean powers in the same data sets."""
    difference = pairs.of(first, second, rows)
    return None if difference is None else difference.mean
