"""The model with a random intercept and a random slope of x_1, from moments.

y = b0 + b1 x_1 + ... + bp x_p + u_j + v_j x_1 + e, with (u_j, v_j) of covariance sigma2 G: any G,
or one without covariance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simstudy.moments import Bools, Floats, Ints
from simstudy.numerics import slope_df, slope_estimable, slope_lines, slope_optimum, slope_sums
from simstudy.numerics.slope_df import Fitted
from simstudy.numerics.slope_estimable import Reason
from simstudy.numerics.slope_lines import Frame, Rows

DFS = ("kenward_roger", "satterthwaite", "wald")


class Effect(NamedTuple):
    """Inference about one contrast; arrays of shape (R,), NaN where there is no fit."""

    estimate: Floats
    variance: Floats  # with kenward_roger the adjusted one
    df: Floats  # inf with wald


class Covariance(NamedTuple):
    """Of the random effects at x_1 = 0; arrays of shape (R,)."""

    tau2: Floats  # of the intercepts
    slope: Floats  # of the slopes, in units of x_1
    cross: Floats


@dataclass(frozen=True, eq=False)
class RandomSlope:
    """A fit of R replications; NaN, and rank -1, where there is none.

    Attributes
    ----------
    reason : array of int8, shape (R,)
        A `Reason`; 0 where there is a fit.
    collinear : array of int, shape (R,)
        Number of the predictor that those before it determine, or 0.
    settled : array of bool, shape (R,)
        Whether the search came to an end.
    rank : array of int, shape (R,)
        Of G; without covariance, the number of variances above 0.
    covariance : Covariance
    sigma2, criterion : arrays, shape (R,)
        Residual variance; lme4's REML criterion, or -2 log-likelihood under ML.
    """

    reason: NDArray[np.int8]
    collinear: Ints
    settled: Bools
    rank: Ints
    covariance: Covariance
    sigma2: Floats
    criterion: Floats
    index: Ints  # the replications that have a fit
    fitted: Fitted  # these alone
    frame: Frame  # of these

    @property
    def boundary(self) -> Bools:
        """Whether G is singular, a valid fit, shape (R,)."""
        return (self.rank == 0) | (self.rank == 1)

    def effect(self, contrast: Sequence[Floats | float], df: str) -> Effect:
        """Test a linear function of the coefficients (intercept at x = 0, slopes of x_1, ..).

        Parameters
        ----------
        contrast : sequence of p + 1 floats or arrays, shape (1,)
        df : {"kenward_roger", "satterthwaite", "wald"}
            kenward_roger needs REML.
        """
        if df not in DFS or (df == "kenward_roger" and not self.fitted.reml):
            raise ValueError(f"no df {df!r} of this fit")
        whole = np.full((3, self.rank.size), np.nan)
        if self.index.size:
            with np.errstate(all="ignore"):  # what is degenerate has no finite value
                whole[:, self.index] = self._effect(contrast, df)
        return Effect(*whole)

    def coefficient(self, k: int, df: str) -> Effect:
        """Test coefficient k: 0 the intercept at x = 0, 1 the slope of x_1, ..."""
        n_fixed = len(self.frame.origins)
        return self.effect([float(m == k) for m in range(n_fixed)], df)

    def _effect(self, contrast: Sequence[Floats | float], df: str) -> tuple[Floats, ...]:
        fitted, sigma2 = self.fitted, self.sigma2[self.index]
        turned = fitted.coordinates(self.frame.inward(contrast))
        estimate = fitted.estimate(turned) + contrast[0] * self.frame.origins[-1]
        variance = slope_sums.inner(turned, turned)
        if df == "kenward_roger":
            free, variance = slope_df.kenward_roger(fitted, turned)
        elif df == "satterthwaite":
            free = slope_df.satterthwaite(fitted, turned)
        else:
            free = np.full_like(variance, np.inf)
        return estimate, sigma2 * variance, free


def fit(
    rows: Rows,
    *,
    reml: bool = True,
    correlated: bool = True,
    origins: Sequence[Floats | float] | None = None,
) -> RandomSlope:
    """Fit the model to every replication.

    Parameters
    ----------
    rows : sequence of sequences of arrays that broadcast to (J, R)
        rows[k][l] is row k, column k + l of the triangle U of a cluster's (1, x_1, .., x_p, y),
        U'U its cross-products; p >= 1. Rows and columns of a zero pivot are 0.
    reml : bool
        REML, or else ML.
    correlated : bool
        Whether intercepts and slopes covary. Without, the model depends on where x_1 is 0.
    origins : sequence of p + 1 floats or arrays, shape (R,), optional
        Points from which the means of x_1, ..., x_p, y were measured; 0 by default.
    """
    origins = (0.0,) * (len(rows) - 1) if origins is None else origins
    with np.errstate(all="ignore"):  # what is degenerate has a reason that says so
        data, frame = slope_lines.lines(rows, origins, centred=correlated)
        reason, collinear = slope_estimable.estimable(data, frame)
        index = np.flatnonzero(reason == Reason.NONE)
        data, frame = data.take(index), frame.take(index)
        best = slope_optimum.optimum(data, reml=reml, correlated=correlated)
        fitted = slope_df.of_optimum(data, best, reml=reml, correlated=correlated)
        sigma2 = fitted.at.rss / data.nu(reml)
        value = best.value + 2.0 * np.log(frame.unit) if reml else best.value

    def whole(values: Floats) -> Floats:
        everyone = np.full(reason.size, np.nan)
        everyone[index] = values
        return everyone

    rank, settled = np.full(reason.size, -1), np.zeros(reason.size, dtype=bool)
    rank[index], settled[index] = best.rank, best.settled
    covariance = Covariance(*(whole(sigma2 * part) for part in _covariance(fitted, frame)))
    return RandomSlope(reason, collinear, settled, rank, covariance, whole(sigma2), whole(value),
                       index, fitted, frame)  # fmt: skip


def _covariance(fitted: Fitted, frame: Frame) -> tuple[Floats, Floats, Floats]:
    """G at x_1 = 0, in units of x_1: of the root, so that no variance is a difference."""
    l00, l10, l11 = fitted.root
    origin = frame.origins[0]
    below, last = l10 / frame.unit, l11 / frame.unit
    first, other = l00 - origin * below, -origin * last
    return first * first + other * other, below * below + last * last, first * below + other * last
