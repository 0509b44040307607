"""Measures that need all rows of a cell at once.

They have no totals that add up, so they are made where they are asked for by name, and cost
nothing else.
"""

from __future__ import annotations

import numpy as np
import scipy

from simstudy.measures.block import Block
from simstudy.measures.record import Section, measure
from simstudy.measures.rows import ROWS, Answer, Rows
from simstudy.measures.values import NAN, mean_of
from simstudy.moments import Floats


def _errors(rows: Rows, truth: float) -> Floats:
    block = Block(rows, truth)
    return block.error[block.there]


@measure(Section.ROWS, ROWS, "Median bias")
def median_bias(rows: Rows, truth: float) -> Answer:
    """Median of estimate minus truth, and its Monte Carlo SE.

    The SE is that of Price & Bonett (2001, J. Stat. Comput. Simul. 68:295-305): the distance
    between the order statistics c and n - c + 1, c = n / 2 - sqrt(n), over that between the
    normal quantiles of their exact binomial probability. No density is estimated.
    """
    error = _errors(rows, truth)
    n = error.size
    if n == 0:
        return Answer(NAN, NAN)
    c = max(1, round(n / 2 - np.sqrt(n)))
    places = [(n - 1) // 2, n // 2, c - 1, n - c]
    there = np.partition(error, places)[places]
    median = there[0] + 0.5 * (there[1] - there[0])
    if n < 2:
        return Answer(float(median), NAN, n_used=n)
    z = -scipy.special.ndtri(scipy.special.bdtr(c - 1, n, 0.5))
    return Answer(float(median), float((there[3] - there[2]) / (2.0 * z)), n_used=n)


@measure(Section.ROWS, ROWS, "Mean absolute error")
def mean_absolute_error(rows: Rows, truth: float) -> Answer:
    """Mean distance of estimate and truth; MCSE its SD / sqrt(n)."""
    distance = np.abs(_errors(rows, truth))
    if distance.size == 0:
        return Answer(NAN, NAN)
    with np.errstate(over="ignore"):
        mean = distance.mean(keepdims=True)
        square = np.square(distance - mean).sum(keepdims=True)
    value = mean_of(mean, square, np.array([distance.size]))
    return Answer(float(value.value[0]), float(value.mcse[0]), n_used=distance.size)
