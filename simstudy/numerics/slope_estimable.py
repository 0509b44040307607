"""Which replications have a random-slope fit, and why the others have none."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from simstudy.moments import Bools, Floats, Ints
from simstudy.numerics import slope_starts, slope_sums
from simstudy.numerics.slope_lines import Frame, Lines, Triangle, orthonormalize

COLLINEAR = 1e-7  # of a column about its mean: what columns before it leave, as in R's lm
PERFECT = 1e-12  # residual over total SD below which only rounding is left


class Reason(IntEnum):
    """Why there is no fit; the names are those of `Outcome`, where it has them."""

    NONE = 0
    NON_FINITE = 1
    X_CONSTANT = 2
    X_CONSTANT_WITHIN = 3
    COLLINEAR = 4
    NO_RESIDUAL_VARIANCE = 5
    VARIANCES_NOT_SEPARABLE = 6


def estimable(data: Lines, frame: Frame) -> tuple[NDArray[np.int8], Ints]:
    """Say which replications are estimable.

    Three variances need a unit more than [X, Z] has columns, a cluster more than what varies
    between clusters alone, and two clusters within which x_1 varies.

    Returns
    -------
    reason : array of int8, shape (R,)
        A `Reason` each.
    collinear : array of int, shape (R,)
        The first predictor (from 1) that those before it determine; 0 where there is none.
    """
    with np.errstate(all="ignore"):
        at = slope_sums.fit(data, slope_starts.zero(data))
        lengths = _lengths(at.triangle, frame, data)
        pivots = np.array([row[0] for row in at.triangle[1:-1]])
        pivots = np.where(lengths[:-1] > 0, pivots, 0.0)
        lost = ~(pivots > COLLINEAR * lengths[:-1])
        dependent = np.logical_or.reduce(lost)
        varying = (data.inner > 0).sum(axis=0)
        below = _pivots_of([column[-1] for column in data.others[:-1]], lengths[1:])
        within = _pivots_of(_within(data), lengths)
        free_within = data.n_obs - data.n_clusters - varying - below.sum(axis=0)
        free_between = data.n_clusters - 1 - (~within).sum(axis=0)
        outer, left = at.triangle[-1][0], data.others[-1][-1]
        perfect = np.where(lengths[-1] > 0, PERFECT * lengths[-1], np.inf)
        checks = [
            (Reason.NON_FINITE, ~np.isfinite(lengths.sum(axis=0))),
            (Reason.X_CONSTANT, ~(lengths[0] > 0)),
            (Reason.X_CONSTANT_WITHIN, varying == 0),
            (Reason.COLLINEAR, dependent),
            (Reason.NO_RESIDUAL_VARIANCE, outer <= perfect),
            (
                Reason.VARIANCES_NOT_SEPARABLE,
                (free_within < 1) | (free_between < 1) | (varying < 2),
            ),
            (Reason.NO_RESIDUAL_VARIANCE, left <= perfect),
        ]
    reasons, conditions = zip(*checks, strict=True)
    reason = np.select(conditions, reasons, Reason.NONE).astype(np.int8)
    return reason, np.where(reason == Reason.COLLINEAR, lost.argmax(axis=0) + 1, 0)


def _lengths(triangle: Triangle, frame: Frame, data: Lines) -> Floats:
    """Length of every column about its mean, x_1 first and y last, shape (p + 1, R).

    0 where it is what rounding leaves of a constant.
    """
    columns = range(1, len(triangle))
    squares = [sum(triangle[i][k - i] ** 2 for i in range(1, k + 1)) for k in columns]
    lengths = np.sqrt(np.array(squares))
    origins = np.abs(np.array(frame.origins))
    origins[0] /= frame.unit
    origins[0] += np.abs(triangle[0][1]) / np.sqrt(data.n_obs)  # where it is not centred
    return np.where(lengths <= PERFECT * origins * np.sqrt(data.n_obs), 0.0, lengths)


def _pivots_of(pivots: list[Floats], lengths: Floats) -> Bools:
    """Which pivots are more than rounding."""
    count = len(pivots)
    return np.array(pivots).reshape(count, lengths.shape[1]) > COLLINEAR * lengths[:count]


def _within(data: Lines) -> list[Floats]:
    """Pivots of the predictors about their cluster means."""
    j = data.n_clusters
    columns = [data.inner.copy(), *(column[j:].copy() for column in data.others[:-1])]
    return [row[0] for row in orthonormalize(columns)]
