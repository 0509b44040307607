"""Room 4: sums over replications that add up, block by block. Imports numpy and tails.

Every measure is finished from these totals, so the summary of stored rows and the combined
totals of their blocks are the same digits. Powers are about the mean (Chan, Golub & LeVeque
1983; Pebay 2008), never raw: with t the estimate less the truth and v the squared standard
error, m[p, q] = sum (t - tbar)^p (v - vbar)^q for p + 2 q <= 4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from simstudy.estimates import STATUSES, USED
from simstudy.moments import Array, Bools, Floats, Ints
from simstudy.numerics import tails

COLUMNS = ("estimate", "std_error", "df", "p_value", "status")  # what a block is made of
ORDERS = tuple((p, q) for p in range(5) for q in range(3) if p + 2 * q <= 4)


@dataclass(frozen=True, slots=True)
class Powers:
    """Powers of (t, v) about their means in K blocks; arrays of shape (K,).

    Attributes
    ----------
    error, variance : arrays
        tbar - truth and vbar; 0 where there are no rows.
    about : dict
        (p, q) -> m[p, q]; (0, 0) is the number of rows.
    """

    error: Floats
    variance: Floats
    about: dict[tuple[int, int], Floats]

    @property
    def n(self) -> Ints:
        """Number of rows, shape (K,)."""
        return self.about[0, 0].astype(np.int64)


@dataclass(frozen=True, slots=True)
class Totals:
    """Totals of K blocks, or of K methods in scenarios; K is the first axis of all arrays.

    Attributes
    ----------
    by_status : array of int, shape (K, S)
        Replications by status, in the order of `STATUSES`.
    of_error : Powers
        Of the used replications; q = 0 alone is to be read.
    with_se : Powers
        Of those among them that have a standard error: of a method that gives a p-value
        and no standard error there are none.
    rejected, covered : arrays of int, shape (K, A)
        Used replications with p < alpha, and those with a standard error whose 1 - alpha
        interval holds the truth, for each alpha.
    """

    by_status: Ints
    of_error: Powers
    with_se: Powers
    rejected: Ints
    covered: Ints

    @property
    def n_used(self) -> Ints:
        """Used replications (ok or boundary), shape (K,)."""
        return self.of_error.n

    @property
    def n_all(self) -> Ints:
        """All replications, shape (K,)."""
        return np.asarray(self.by_status.sum(axis=1))


def of_block(columns: dict[str, Array], truth: Floats | float, alphas: tuple[float, ...]) -> Totals:
    """Totals of one block of rows in each of K groups.

    Parameters
    ----------
    columns : dict of arrays, shape (K, n) or (n,)
        `COLUMNS`; status is an index into `STATUSES`.
    truth : array, shape (K,), or float
    alphas : tuple of float
    """
    estimate, std_error, df, p_value, status = (np.atleast_2d(columns[k]) for k in COLUMNS)
    truth = np.broadcast_to(truth, estimate.shape[:1])[:, None]
    used = status < USED
    error = np.where(used, estimate - truth, 0.0)
    has_se = used & ~np.isnan(std_error)
    variance = np.where(has_se, std_error * std_error, 0.0)
    p_truth = p_value  # of the test of the truth; that of 0 where the truth is 0
    if truth.any():
        with np.errstate(divide="ignore", invalid="ignore"):
            p_truth = np.where(truth == 0, p_value, tails.two_sided(error / std_error, df))
    with_se = _powers(error, variance, has_se)
    same = bool((used == has_se).all())
    with np.errstate(invalid="ignore"):
        hits = [((p_value < a) & used, (p_truth >= a) & has_se) for a in alphas]
    rejected, covered = (np.stack([h[k].sum(axis=1) for h in hits], axis=1) for k in (0, 1))
    return Totals(
        by_status=np.stack([(status == k).sum(axis=1) for k in range(len(STATUSES))], axis=1),
        of_error=with_se if same else _powers(error, np.zeros_like(error), used),
        with_se=with_se,
        rejected=rejected,
        covered=covered,
    )


def _powers(error: Floats, variance: Floats, there: Bools) -> Powers:
    """Powers about the means of the rows that are `there`; all arrays (K, n)."""
    n = there.sum(axis=1).astype(float)
    means = []
    centred = []
    for values in (error, variance):
        mean = np.where(there, values, 0.0).sum(axis=1) / np.maximum(n, 1.0)
        means.append(mean)
        centred.append(np.where(there, values - mean[:, None], 0.0))
    t, v = centred
    square = t * t
    products = {
        (1, 0): t, (2, 0): square, (3, 0): square * t, (4, 0): square * square,
        (0, 1): v, (1, 1): t * v, (2, 1): square * v, (0, 2): v * v,
    }  # fmt: skip
    about = {order: product.sum(axis=1) for order, product in products.items()}
    return Powers(means[0], means[1], {(0, 0): n} | about)


def concatenate(pieces: list[Totals]) -> Totals:
    """Blocks of several totals, one after another."""
    return _each(lambda *arrays: np.concatenate(arrays), pieces)


def take(totals: Totals, index: Ints) -> Totals:
    """Rows `index` of totals."""
    return _each(lambda array: array[index], [totals])


def _each(function: Any, pieces: list[Totals]) -> Totals:
    """The same function of every array."""

    def of_powers(parts: list[Powers]) -> Powers:
        about = {key: function(*(part.about[key] for part in parts)) for key in ORDERS}
        error = function(*(part.error for part in parts))
        return Powers(error, function(*(part.variance for part in parts)), about)

    with_se = of_powers([piece.with_se for piece in pieces])
    same = all(piece.of_error is piece.with_se for piece in pieces)
    return Totals(
        by_status=function(*(piece.by_status for piece in pieces)),
        of_error=with_se if same else of_powers([piece.of_error for piece in pieces]),
        with_se=with_se,
        rejected=function(*(piece.rejected for piece in pieces)),
        covered=function(*(piece.covered for piece in pieces)),
    )


def combine(blocks: Totals, group: Ints) -> Totals:
    """Add up the blocks of each group, in the order of the blocks.

    Parameters
    ----------
    blocks : Totals
    group : array of int, shape (K,)
        Group of each block, ascending from 0, none left out.

    Returns
    -------
    Totals
        A row a group.
    """
    starts = np.flatnonzero(np.diff(group, prepend=-1))

    def add(values: Array) -> Array:
        return np.add.reduceat(values, starts, axis=0)

    with_se = _combine(blocks.with_se, group, starts)
    same = blocks.of_error is blocks.with_se
    return Totals(
        by_status=add(blocks.by_status),
        of_error=with_se if same else _combine(blocks.of_error, group, starts),
        with_se=with_se,
        rejected=add(blocks.rejected),
        covered=add(blocks.covered),
    )


def _combine(blocks: Powers, group: Ints, starts: Ints) -> Powers:
    """Move every block's powers to its group's means (binomial theorem) and add them."""
    n = blocks.about[0, 0]
    n_group = np.maximum(np.add.reduceat(n, starts), 1.0)
    means, moves = [], []
    for values in (blocks.error, blocks.variance):
        first = values[starts]  # a lone block keeps its mean to the bit
        shifted = values - first[group]
        mean = first + np.add.reduceat(n * shifted, starts) / n_group
        means.append(mean)
        moves.append(np.where(n > 0, values - mean[group], 0.0))
    d, e = moves
    about = {}
    for p, q in ORDERS:
        moved = sum(
            math.comb(p, i) * math.comb(q, k) * d**i * e**k * blocks.about[p - i, q - k]
            for i in range(p + 1)
            for k in range(q + 1)
        )
        about[p, q] = np.add.reduceat(moved, starts)
    return Powers(means[0], means[1], about)
