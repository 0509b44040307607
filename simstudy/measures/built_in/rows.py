"""Measures that need all rows of a cell at once.

They have no totals that add up, so they are made where they are asked for by name, and cost
nothing else.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import bdtr, ndtri

from simstudy.measures.block import Block
from simstudy.measures.record import F, Measure, Section, register
from simstudy.measures.rows import ROWS, Answer, Rows
from simstudy.measures.values import NAN, mean_of
from simstudy.moments import Floats

Pair = tuple[float, float]  # a value and its MCSE


def of_errors(title: str) -> Callable[[F], F]:
    """Register a function of the errors of a cell as the measure of its name."""

    def declare(function: F) -> F:
        def answer(rows: Rows, truth: float) -> Answer:
            block = Block(rows, truth)
            error = block.error[block.there]
            value, mcse = function(error)
            return Answer(value, mcse, n_used=error.size)

        register(Measure(function.__name__, answer, Section.ROWS, ROWS, title))
        return function

    return declare


@of_errors("Median bias")
def median_bias(error: Floats) -> Pair:
    """Median of estimate minus truth, and its Monte Carlo SE.

    The SE is that of Price & Bonett (2001, J. Stat. Comput. Simul. 68:295-305): the distance
    between the order statistics c and n - c + 1, c = n / 2 - sqrt(n), over that between the
    normal quantiles of their exact binomial probability. No density is estimated.
    """
    n = error.size
    if n == 0:
        return NAN, NAN
    c = max(1, round(n / 2 - np.sqrt(n)))
    places = [(n - 1) // 2, n // 2, c - 1, n - c]
    there = np.partition(error, places)[places]
    median = there[0] + 0.5 * (there[1] - there[0])
    if n < 2:
        return float(median), NAN
    z = -ndtri(bdtr(c - 1, n, 0.5))
    return float(median), float((there[3] - there[2]) / (2.0 * z))


@of_errors("Mean absolute error")
def mean_absolute_error(error: Floats) -> Pair:
    """Mean distance of estimate and truth; MCSE its SD / sqrt(n)."""
    if error.size == 0:
        return NAN, NAN
    distance = np.abs(error)
    with np.errstate(over="ignore"):
        mean = distance.mean(keepdims=True)
        square = np.square(distance - mean).sum(keepdims=True)
    value = mean_of(mean, square, np.array([error.size]))
    return float(value.value[0]), float(value.mcse[0])
