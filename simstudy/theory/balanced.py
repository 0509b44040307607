"""Exact answers for equal clusters, J of n units.

Notation: p predictors, lam = 1 + (n - 1) icc, X_b and X_w independent chi2(J - 1 - p) and
chi2(N - J). For cluster-level predictors a slope has a variance in proportion to lam; lam X_b
is what is left between clusters, (1 - icc) X_w what there is within. S = X_b + X_w and
X_b / X_w are independent, so given their ratio each test is a Student's t test with
N - 1 - p df. `shifted` is the noncentrality of the slope, `critical` a critical value of |t|.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import scipy

from simstudy.moments import Floats
from simstudy.theory.quadrature import CENTRAL, Nodes, exceeds, odds_nodes, two_sided


class Strata(NamedTuple):
    """What is left of the errors: outer chi2(df_outer) + inner chi2(df_inner), independent.

    The slope's variance is in proportion to `outer`.
    """

    outer: float
    inner: float
    df_outer: int
    df_inner: int

    @property
    def free(self) -> int:
        """Residual degrees of freedom of a fit that does not tell the two apart."""
        return self.df_outer + self.df_inner


def cluster_level(n_clusters: int, cluster_size: int, icc: float, p: int = 1) -> Strata:
    """Errors about p cluster-level predictors, in units of their total variance."""
    j, n = n_clusters, cluster_size
    return Strata(1.0 + (n - 1) * icc, 1.0 - icc, j - 1 - p, j * n - j)


def naive(left: Strata, critical: float, shifted: Nodes = CENTRAL) -> float:
    """Rejection rate of a test whose variance is that of all errors, on `free` df.

    t^2 = free outer X_0 / (outer X_b + inner X_w), X_0 ~ chi2(1); for the pooled test on a
    cluster-level x of two clusters this is Barcikowski's (1981, J. Educ. Stat. 6:267-285) table.
    """
    if left.outer == left.inner or left.df_inner == 0:
        return float(two_sided(critical, left.free, shifted))
    if left.df_outer == 0:
        return float(two_sided(critical * math.sqrt(left.inner / left.outer), left.free, shifted))
    odds, weight = odds_nodes(left.df_outer, left.df_inner)
    t = critical * np.sqrt((left.outer * odds + left.inner) / (left.outer * (1.0 + odds)))
    return float((two_sided(t, left.free, shifted) * weight).sum())


def se_bias(left: Strata) -> float:
    """Percent by which the root-mean-square SE of that test misses."""
    model = (left.df_outer * left.outer + left.df_inner * left.inner) / left.free
    return 100.0 * (math.sqrt(model / left.outer) - 1.0)


def between_share_size(
    n_clusters: int, cluster_size: int, icc: float, share: Floats, critical: float
) -> Floats:
    """Size of the pooled test on a given x with any share of its sum of squares between.

    Of the quadratic form's weights two belong to the plane of x's two parts; in units of
    lam and (1 - icc) their product is -k lam (1 - icc), k = critical^2 / (N - 2).

    Parameters
    ----------
    share : array, shape (...)
    """
    j, n_obs = n_clusters, n_clusters * cluster_size
    lam, inner = 1.0 + (cluster_size - 1) * icc, 1.0 - icc
    k = critical * critical / (n_obs - 2)
    half = 0.5 * ((1.0 + k) * (lam * share + inner * (1.0 - share)) - k * (lam + inner))
    root = np.sqrt(half * half + k * lam * inner)
    top = np.where(half > 0, half + root, k * lam * inner / np.maximum(root - half, root))
    weights = np.stack([k * lam * inner / top, np.full_like(top, k * lam)], axis=-1)
    weights = np.concatenate([weights, np.full_like(top, k * inner)[..., None]], axis=-1)
    weights /= top[..., None]
    return exceeds(weights, np.array([1.0, j - 2, n_obs - j - 1]))


def mixed_naive_size(
    n_clusters: int, cluster_size: int, icc: float, x_icc: float, critical: float
) -> float:
    """Size of the pooled test on a normal x with 0 <= x_icc < 1: the mean over its share."""
    share, _, weight = _drawn_share(n_clusters, cluster_size, x_icc)
    sizes = between_share_size(n_clusters, cluster_size, icc, share, critical)
    return float((sizes * weight).sum())


def mixed_se_bias(n_clusters: int, cluster_size: int, icc: float, x_icc: float) -> float:
    """Percent by which the root-mean-square pooled SE misses, normal x.

    Given x the slope's variance is (lam share + (1 - icc)(1 - share)) / xx. For x_icc = 1
    the factor 1 / xx cancels, so that the answer holds for every cluster-level x.
    """
    j, n_obs = n_clusters, n_clusters * cluster_size
    lam, inner = 1.0 + (cluster_size - 1) * icc, 1.0 - icc
    if x_icc == 1 or cluster_size == 1:
        share, weight = np.ones(1), np.ones(1)
    else:
        share, inverse, weight = _drawn_share(j, cluster_size, x_icc)
        weight = weight * inverse
    true = ((lam * share + inner * (1.0 - share)) * weight).sum()
    whole = ((j - 1) * lam + (n_obs - j) * inner) * weight.sum()
    return 100.0 * (math.sqrt((whole - true) / ((n_obs - 2) * true)) - 1.0)


def _drawn_share(n_clusters: int, cluster_size: int, x_icc: float) -> tuple[Floats, Floats, Floats]:
    """Share of a normal x's sum of squares between, 1 / xx up to a factor, and weights."""
    odds, weight = odds_nodes(n_clusters - 1, n_clusters * (cluster_size - 1))
    between = (1.0 + (cluster_size - 1) * x_icc) * odds
    total = between + (1.0 - x_icc)
    return between / total, (1.0 + odds) / total, weight


def boundary_share(left: Strata, divisor: int) -> float:
    """Share of random-intercept fits with tau2 = 0, cluster-level predictors.

    `divisor` is that of the sum of squares between clusters: its df, or J under ML.
    """
    edge = left.inner / left.outer * divisor / left.df_outer
    return float(scipy.special.fdtr(left.df_outer, left.df_inner, edge))


def random_intercept(
    left: Strata,
    divisors: tuple[int, int],
    inside: float,
    boundary: float,
    shifted: Nodes = CENTRAL,
    true: float | None = None,
) -> float:
    """Rejection rate of the random-intercept test, cluster-level predictors, n >= 2.

    Where MSB > MSW the test is t^2 = divisor X_0 / X_b, against the critical value `inside`; at
    the boundary tau2 = 0 it is the pooled one, against `boundary`.

    Parameters
    ----------
    divisors : (int, int)
        Those of the sum of squares between clusters and of the whole one: their df, or J and N
        under ML.
    true : float, optional
        What the slope's variance is in proportion to, where that is not `outer`.
    """
    free, nu = divisors
    edge = free * left.inner / (left.outer * left.df_inner)
    odds, weight = odds_nodes(left.df_outer, left.df_inner, edge)
    square = np.where(
        odds > edge,
        inside**2 * odds / free,
        boundary**2 * (odds + left.inner / left.outer) / nu,
    )
    t = np.sqrt(square * left.free / (1.0 + odds) * (left.outer / (true or left.outer)))
    return float((two_sided(t, left.free, shifted) * weight).sum())
