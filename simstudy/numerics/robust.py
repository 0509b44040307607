"""Cluster-robust and Moulton variances of one contrast.

With M = (X'X)^-1 = LL', the score t_j = L'X_j'e_j and the leverage B_j = L'X_j'X_j L of a
cluster, the variance of a contrast c is c' L {sum_j f(B_j) t_j t_j' f(B_j)} L' c, because
A'f(AA') = f(A'A)A': no matrix of the size of a cluster is ever formed. L is turned so that
the contrast is its second coordinate alone; a regression with one column (the within
estimator) is the case in which the first coordinate is 0. So one f(B) serves them all.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simstudy.moments import Bools, Clusters, Factor, Floats, Moments, Pooled
from simstudy.numerics import anova, gram

SINGULAR = 1e-12  # det(I - B_j) at or below this: the contrast is not estimable without j


Turn = tuple[Floats, Floats]


class Scores(NamedTuple):
    """What clusters contribute to a contrast; arrays that broadcast to (J, R)."""

    t1: Floats
    t2: Floats
    b11: Floats
    b12: Floats
    b22: Floats


class Sandwich(NamedTuple):
    """Variance of a contrast of L'X'Xb, arrays of shape (R,)."""

    variance: Floats  # sum_j (g_j't_j)^2, g_j = f(B_j) c, |c| = 1
    df: Floats  # Bell-McCaffrey / Pustejovsky-Tipton
    exists: Bools  # whether f(B_j) does for every cluster


def of_line(clusters: Clusters, total: Factor) -> Scores:
    """Scores of the slope of y on (1, x).

    Parameters
    ----------
    clusters : Clusters
    total : Factor, shape (R,)
        Cross-products of all units about the grand means.
    """
    mean_x, mean_y = gram.grand_means(clusters)
    sizes, inner = clusters.weights, clusters.within
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = total.b / total.a
        level, root = 1.0 / np.sqrt(clusters.n_obs), 1.0 / total.a
    x = clusters.mean_x - mean_x
    t1 = sizes * (clusters.mean_y - mean_y - slope * x)
    t2 = inner.a * (inner.b - slope * inner.a) + x * t1
    x = x * root
    a = inner.a * root
    b1 = sizes * level
    return Scores(t1 * level, t2 * root, b1 * level, b1 * x, a * a + sizes * x * x)


def of_within(within: Factor, total: Factor) -> Scores:
    """Scores of the slope of y on x and a dummy for every cluster, absorbed.

    Parameters
    ----------
    within : Factor of arrays that broadcast to (J, R)
        Cross-products about the cluster means, by cluster.
    total : Factor, shape (R,)
        Their sum.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        slope, root = total.b / total.a, 1.0 / total.a
    a = within.a * root
    none = np.zeros((1, 1))
    return Scores(none, a * (within.b - slope * within.a), none, none, a * a)


def turned(scores: Scores, turn: Turn) -> Scores:
    """Turn the axes so that the contrast (c1, c2) of unit length is the second."""
    (t1, t2, b11, b12, b22), (c1, c2) = scores, turn
    cross = c1 * c2 * (b11 - b22)
    return Scores(
        c2 * t1 - c1 * t2,
        c1 * t1 + c2 * t2,
        c2 * c2 * b11 - 2.0 * c1 * c2 * b12 + c1 * c1 * b22,
        cross + (c2 * c2 - c1 * c1) * b12,
        c1 * c1 * b11 + 2.0 * c1 * c2 * b12 + c2 * c2 * b22,
    )


def sandwich(scores: Scores, kind: str) -> Sandwich:
    """Variance of the second coordinate and its degrees of freedom.

    Parameters
    ----------
    scores : Scores
    kind : {"CR0", "CR2", "CR3"}
        f = 1, (I - B)^-1/2 (Bell & McCaffrey 2002, Surv. Methodol. 28:169-181) or
        (I - B)^-1; factors that all clusters share are left to the caller.
    """
    t1, t2, b11, b12, b22 = scores
    g1, g2, exists = _adjusted(scores, kind)
    root = g1 * t1 + g2 * t2
    h1, h2 = b11 * g1 + b12 * g2, b12 * g1 + b22 * g2
    k = g1 * h1 + g2 * h2
    return Sandwich(gram.dot(root, root), _df(k, h1, h2), np.broadcast_to(exists, root.shape[1:]))


def _adjusted(scores: Scores, kind: str) -> tuple[Floats, Floats, Bools]:
    """Second column of f(B_j), and whether it exists for every cluster.

    With m = det(I - B), d = sqrt(m) and s = sqrt(tr(I - B) + 2 d): the inverse is adj / m,
    its square root (adj + d I) / (d s); no eigenvalue is needed.
    """
    _, _, b11, b12, b22 = scores
    if kind == "CR0":
        return np.zeros((1, 1)), np.ones((1, 1)), np.ones(1, dtype=bool)
    m11, m22 = 1.0 - b11, 1.0 - b22
    det = m11 * m22 - b12 * b12
    exists = det.min(axis=0) > SINGULAR
    if not exists.all():
        det = np.maximum(det, SINGULAR)
    if kind == "CR3":
        scale = 1.0 / det
        return b12 * scale, m11 * scale, exists
    d = np.sqrt(det)
    scale = 1.0 / (d * np.sqrt(m11 + m22 + 2.0 * d))
    return b12 * scale, (m11 + d) * scale, exists


def _df(k: Floats, h1: Floats, h2: Floats) -> Floats:
    """Satterthwaite's df under a working model of independent units of one variance.

    (sum_j (k_j - h_j'h_j))^2 / (sum k_j^2 - 2 sum k_j h_j'h_j + |sum h_j h_j'|^2), with
    h_j = f(B_j) B_j c and k_j = c'f(B_j) B_j f(B_j) c: the trace and the squared norm of
    the quadratic form's matrix (Bell & McCaffrey 2002; Pustejovsky & Tipton 2018, J. Bus.
    Econ. Stat. 36:672-683).
    """
    s11, s12, s22 = gram.dot(h1, h1), gram.dot(h1, h2), gram.dot(h2, h2)
    trace = k.sum(axis=0) - s11 - s22
    mixed = gram.dot(k, h1, h1) + gram.dot(k, h2, h2)
    square = gram.dot(k, k) - 2.0 * mixed + s11 * s11 + 2.0 * s12 * s12 + s22 * s22
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(trace * trace / square)


def pair_sum(moments: Moments, total: Factor, turn: Turn | None = None) -> Floats:
    """Sum over clusters of all products of two units' values of a contrast's regressor.

    sum_j {(sum_i z_ij)^2 - sum_i z_ij^2}, z the column of XL that belongs to the contrast
    (unit length). For the slope it is {V(n_j) / nbar + nbar - 1} rho_x of Angrist & Pischke
    (2009, Mostly Harmless Econometrics, eq. 8.2.5), with their rho_x, V without correction.

    Parameters
    ----------
    total : Factor, shape (R,)
        Cross-products of all units about the grand means.
    turn : (c1, c2), optional
        As for `turned`; without it, the slope.
    """
    if isinstance(moments, Pooled):
        outer = gram.between(moments)
        return moments.cluster_size * (outer.a / total.a) ** 2 - 1.0
    mean_x, _ = gram.grand_means(moments)
    value = (moments.mean_x - mean_x) / total.a
    if turn is not None:
        value = turn[0] / np.sqrt(moments.n_obs) + turn[1] * value
    sums = moments.weights * value
    return gram.dot(sums, sums) - 1.0


def residual_icc(moments: Moments, total: Factor) -> Floats:
    """Intraclass correlation of the residuals of one line: Stata's loneway.

    0 where every cluster is a single unit. It may be negative.
    """
    icc = anova.icc_of_residuals(moments, total.b / total.a)
    return np.where(np.asarray(moments.n_obs) == moments.n_clusters, 0.0, icc)
