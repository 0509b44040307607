"""Room 4: sums over replications that add up, block by block. Imports numpy and tails.

This is format: every measure is finished from these totals, so the summary of stored rows
and the merged totals of their blocks are the same digits. Powers are about the mean
(Chan, Golub & LeVeque 1983; Pebay 2008), never raw: with t the estimate less the truth and
v the squared standard error, m[p, q] = sum (t - tbar)^p (v - vbar)^q for p + 2 q <= 4.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from simstudy.estimates import STATUSES, USED
from simstudy.moments import Array, Floats
from simstudy.numerics import tails

COLUMNS = ("estimate", "std_error", "df", "p_value", "status")  # what a block is made of
ORDERS = tuple((p, q) for p in range(5) for q in range(3) if p + 2 * q <= 4)


@dataclass(frozen=True, slots=True)
class Totals:
    """Totals of one method in one scenario.

    Attributes
    ----------
    by_status : tuple of int
        Replications by status, in the order of `STATUSES`.
    error, variance : float
        tbar - truth and vbar over the used replications; 0 where there are none.
    powers : dict
        (p, q) -> m[p, q] over the used replications; (0, 0) is their number.
    rejected, covered : tuple of int
        Used replications with p < alpha, and with the truth inside the 1 - alpha interval,
        for each alpha.
    """

    by_status: tuple[int, ...]
    error: float
    variance: float
    powers: dict[tuple[int, int], float]
    rejected: tuple[int, ...]
    covered: tuple[int, ...]

    @property
    def n_used(self) -> int:
        """Used replications: ok or boundary."""
        return int(self.powers[0, 0])

    @property
    def n_all(self) -> int:
        """All replications."""
        return sum(self.by_status)


def of_block(columns: dict[str, Array], truth: float, alphas: tuple[float, ...]) -> Totals:
    """Totals of one block of rows.

    Parameters
    ----------
    columns : dict of arrays, shape (n,)
        `COLUMNS`; status is an index into `STATUSES`.
    truth : float
    alphas : tuple of float
    """
    used = columns["status"] < USED
    by_status = np.bincount(columns["status"], minlength=len(STATUSES))
    error, std_error, p_value = (
        columns[key] if used.all() else columns[key][used]
        for key in ("estimate", "std_error", "p_value")
    )
    error = error - truth
    p_truth = p_value
    if truth != 0:
        df = columns["df"][used]
        p_truth = tails.two_sided(error / std_error, df)
    n = error.size
    mean = float(error.sum() / n) if n else 0.0
    variance = std_error * std_error
    mean_variance = float(variance.sum() / n) if n else 0.0
    return Totals(
        by_status=tuple(int(count) for count in by_status),
        error=mean,
        variance=mean_variance,
        powers=_powers(error - mean, variance - mean_variance),
        rejected=tuple(int((p_value < alpha).sum()) for alpha in alphas),
        covered=tuple(int((p_truth >= alpha).sum()) for alpha in alphas),
    )


def _powers(error: Floats, variance: Floats) -> dict[tuple[int, int], float]:
    square = error * error
    by_p = (np.ones_like(error), error, square, square * error, square * square)
    by_q = (np.ones_like(variance), variance, variance * variance)
    return {(p, q): float((by_p[p] * by_q[q]).sum()) for p, q in ORDERS}


def merge(blocks: Iterable[Totals]) -> Totals:
    """Add totals up, in their order; at least one is needed."""
    blocks = iter(blocks)
    whole = next(blocks)
    for block in blocks:
        whole = _add(whole, block)
    return whole


def _add(first: Totals, second: Totals) -> Totals:
    n1, n2 = first.n_used, second.n_used
    share = n2 / (n1 + n2) if n2 else 0.0
    error = first.error + share * (second.error - first.error)
    variance = first.variance + share * (second.variance - first.variance)
    moved = [_moved(part, error, variance) for part in (first, second)]
    return Totals(
        by_status=tuple(a + b for a, b in zip(first.by_status, second.by_status, strict=True)),
        error=error,
        variance=variance,
        powers={order: moved[0][order] + moved[1][order] for order in ORDERS},
        rejected=tuple(a + b for a, b in zip(first.rejected, second.rejected, strict=True)),
        covered=tuple(a + b for a, b in zip(first.covered, second.covered, strict=True)),
    )


def _moved(part: Totals, error: float, variance: float) -> dict[tuple[int, int], float]:
    """Powers about another centre, by the binomial theorem in both variables."""
    d, e = part.error - error, part.variance - variance
    if part.n_used == 0 or (d == 0 and e == 0):
        return part.powers
    return {
        (p, q): sum(
            math.comb(p, i) * math.comb(q, k) * d**i * e**k * part.powers[p - i, q - k]
            for i in range(p + 1)
            for k in range(q + 1)
        )
        for p, q in ORDERS
    }
