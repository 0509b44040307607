"""Exact answers for equal clusters, J of n units.

Notation: lam = 1 + (n - 1) icc, X_b and X_w independent chi2(J - 2) and chi2(N - J). For a
cluster-level x the slope has a variance in proportion to lam; lam X_b is what is left
between clusters, (1 - icc) X_w what there is within. S = X_b + X_w and X_b / X_w are
independent, so given their ratio each test is a Student's t test with N - 2 df.
`shifted` is the noncentrality of the slope, `critical` a critical value of |t|.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from simstudy.moments import Floats
from simstudy.numerics.tails import critical_value
from simstudy.theory.quadrature import CENTRAL, Nodes, exceeds, odds_nodes, two_sided


def naive(
    n_clusters: int, cluster_size: int, icc: float, critical: float, shifted: Nodes = CENTRAL
) -> float:
    """Rejection rate of the pooled test on a cluster-level x.

    t^2 = (N - 2) lam X_0 / (lam X_b + (1 - icc) X_w), X_0 ~ chi2(1); with two clusters this
    is Barcikowski's (1981, J. Educ. Stat. 6:267-285) table.
    """
    j, n_obs = n_clusters, n_clusters * cluster_size
    lam, inner = 1.0 + (cluster_size - 1) * icc, 1.0 - icc
    if icc == 0 or cluster_size == 1:
        return float(two_sided(critical, n_obs - 2, shifted))
    if j == 2:
        return float(two_sided(critical * math.sqrt(inner / lam), n_obs - 2, shifted))
    odds, weight = odds_nodes(j - 2, n_obs - j)
    t = critical * np.sqrt((lam * odds + inner) / (lam * (1.0 + odds)))
    return float((two_sided(t, n_obs - 2, shifted) * weight).sum())


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


def boundary_share(
    n_clusters: int, cluster_size: int, icc: float, *, restricted: bool = True
) -> float:
    """Share of random-intercept fits with tau2 = 0, cluster-level x, J >= 3."""
    j = n_clusters
    ratio = (1.0 - icc) / (1.0 + (cluster_size - 1) * icc)
    free = j - 2 if restricted else j
    return float(special.fdtr(j - 2, j * (cluster_size - 1), ratio * free / (j - 2)))


def random_intercept(
    n_clusters: int,
    cluster_size: int,
    icc: float,
    inside: float,
    boundary: float,
    shifted: Nodes = CENTRAL,
    *,
    restricted: bool = True,
) -> float:
    """Rejection rate of the random-intercept test, cluster-level x, J >= 3, n >= 2.

    Where MSB > MSW the test is t^2 = g X_0 / X_b (g = J - 2, under ML J), against the
    critical value `inside`; at the boundary tau2 = 0 it is the pooled one with the variance
    over N - 2 (ML: N), against `boundary`.
    """
    j, n_obs = n_clusters, n_clusters * cluster_size
    lam, inner = 1.0 + (cluster_size - 1) * icc, 1.0 - icc
    free, nu = (j - 2, n_obs - 2) if restricted else (j, n_obs)
    edge = free * inner / (lam * (n_obs - j))
    odds, weight = odds_nodes(j - 2, n_obs - j, edge)
    square = np.where(
        odds > edge,
        inside**2 * odds / free,
        boundary**2 * (odds + inner / lam) / nu,
    )
    t = np.sqrt(square * (n_obs - 2) / (1.0 + odds))
    return float((two_sided(t, n_obs - 2, shifted) * weight).sum())


def power_cluster_means(
    n_clusters: int, alpha: float, shifted: Nodes = CENTRAL, df: float | None = None
) -> float:
    """Rejection rate of the t test on J >= 3 cluster means: noncentral t with J - 2 df.

    `df` is that of the critical value, J - 2 by default; inf is that of a z test.
    """
    critical = float(critical_value(n_clusters - 2 if df is None else df, alpha))
    return float(two_sided(critical, n_clusters - 2, shifted))
