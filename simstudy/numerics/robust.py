"""Cluster-robust and Moulton variances of one contrast.

With M = (X'X)^-1 = LL', the score t_j = L'X_j'e_j and the leverage B_j = L'X_j'X_j L of a
cluster, the variance of a contrast c is c' L {sum_j f(B_j) t_j t_j' f(B_j)} L' c, because
A'f(AA') = f(A'A)A': no matrix of the size of a cluster is ever formed. A regression with
dummies (the within estimator) is the case in which the first coordinate is 0. So one f(B)
serves them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import NamedTuple

import numpy as np

from simstudy.moments import Bools, Clusters, Factor, Floats, Moments, Pooled, products
from simstudy.numerics import anova, gram, leverage
from simstudy.numerics.elimination import coefficients_of, divide, slopes, swept
from simstudy.numerics.symmetric import Triangle, square


class Scores(NamedTuple):
    """What clusters contribute to a line; arrays that broadcast to (J, R).

    The axes are the columns 1 and the predictors, each without the ones before it and of unit
    length, so that the slope of x is the last alone.
    """

    t: tuple[Floats, ...]
    b: Triangle


class Sandwich(NamedTuple):
    """Variance of a contrast of L'X'Xb, arrays of shape (R,)."""

    variance: Floats  # sum_j (g_j't_j)^2, g_j = f(B_j) c, |c| = 1
    df: Floats  # Bell-McCaffrey / Pustejovsky-Tipton
    exists: Bools  # whether f(B_j) does for every cluster


def of_line(clusters: Clusters, total: Factor) -> Scores:
    """Scores of the line of y on 1 and the predictors.

    Parameters
    ----------
    clusters : Clusters
    total : Factor, shape (R,)
        Cross-products of all units about the grand means.
    """
    sizes, centre = clusters.weights, gram.grand_means(clusters)
    with np.errstate(divide="ignore", invalid="ignore"):
        along = coefficients_of(total)
        level = 1.0 / np.sqrt(clusters.n_obs)
        roots = [divide(np.ones(1), row[0]) for row in total.rows[:-1]]
    about = ([m - c] for m, c in zip(clusters.means, centre, strict=True))
    *of_x, e = (column[0] for column in swept(list(about), along))
    *inner, left = swept(_columns(clusters.within), along)
    t1 = sizes * e
    scores = (products(w, left) + x * t1 for w, x in zip(inner, of_x, strict=True))
    t = (t1 * level, *(value * root for value, root in zip(scores, roots, strict=True)))
    of_x = [x * root for x, root in zip(of_x, roots, strict=True)]
    inner = [[entry * root for entry in w] for w, root in zip(inner, roots, strict=True)]
    b1 = sizes * level
    b = [(b1 * level, *(b1 * x for x in of_x))]
    for k, (w, x) in enumerate(zip(inner, of_x, strict=True)):
        others = zip(inner[k:], of_x[k:], strict=True)
        b.append(tuple(products(w, v) + sizes * x * z for v, z in others))
    return Scores(t, tuple(b))


def of_within(within: Factor, total: Factor) -> Scores:
    """Scores of the line of y on the predictors and a dummy for every cluster, absorbed.

    Parameters
    ----------
    within : Factor of arrays that broadcast to (J, R)
        Cross-products about the cluster means, by cluster.
    total : Factor, shape (R,)
        Their sum.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        along = coefficients_of(total)
        roots = [divide(np.ones(1), row[0]) for row in total.rows[:-1]]
    *inner, left = swept(_columns(within), along)
    inner = [[entry * root for entry in w] for w, root in zip(inner, roots, strict=True)]
    none = np.zeros((1, 1))
    t = (none, *(products(w, left) for w in inner))
    b = (tuple(products(w, v) for v in inner[k:]) for k, w in enumerate(inner))
    return Scores(t, ((none,) * len(t), *b))


def _columns(factor: Factor) -> list[tuple[Floats, ...]]:
    return [factor.column(k) for k in range(len(factor.rows))]


def _turned(scores: Scores, contrast: Sequence[Floats]) -> Scores:
    """Turn the axes so that a contrast of unit length, on two axes, is the second.

    With one predictor the closed form of f(B) needs it.
    """
    (t1, t2), ((b11, b12), (b22,)), (c1, c2) = *scores, contrast
    cross = c1 * c2 * (b11 - b22)
    return Scores(
        (c2 * t1 - c1 * t2, c1 * t1 + c2 * t2),
        (
            (
                c2 * c2 * b11 - 2.0 * c1 * c2 * b12 + c1 * c1 * b22,
                cross + (c2 * c2 - c1 * c1) * b12,
            ),
            (c1 * c1 * b11 + 2.0 * c1 * c2 * b12 + c2 * c2 * b22,),
        ),
    )


def sandwich(scores: Scores, kind: str, contrast: Sequence[Floats] | None = None) -> Sandwich:
    """Variance of a contrast and its degrees of freedom.

    Parameters
    ----------
    scores : Scores
    kind : {"CR0", "CR2", "CR3"}
        f, see `leverage`; factors that all clusters share are left to the caller.
    contrast : sequence of arrays, shape (R,), optional
        Of unit length, in the axes of `scores`; without it, the slope of x.
    """
    if len(scores.t) == 2:
        scores = scores if contrast is None else _turned(scores, contrast)
        g, exists = leverage.of_slope(scores.b, kind)
    else:
        slope = [np.zeros(1)] * (len(scores.t) - 1) + [np.ones(1)]
        g, exists = leverage.of_contrast(scores.b, kind, contrast or slope)
    root = products(g, scores.t)
    h = [products(row, g) for row in square(scores.b)]
    k = products(g, h)
    return Sandwich(gram.dot(root, root), _df(k, h), np.broadcast_to(exists, root.shape[1:]))


def _df(k: Floats, h: Sequence[Floats]) -> Floats:
    """Satterthwaite's df under a working model of independent units of one variance.

    (sum_j (k_j - h_j'h_j))^2 / (sum k_j^2 - 2 sum k_j h_j'h_j + |sum h_j h_j'|^2), with
    h_j = f(B_j) B_j c and k_j = c'f(B_j) B_j f(B_j) c: the trace and the squared norm of
    the quadratic form's matrix (Bell & McCaffrey 2002; Pustejovsky & Tipton 2018, J. Bus.
    Econ. Stat. 36:672-683).
    """
    s = [[gram.dot(of, other) for other in h[a:]] for a, of in enumerate(h)]
    trace = k.sum(axis=0)
    for row in s:
        trace = trace - row[0]
    mixed = reduce(add, (gram.dot(k, of, of) for of in h))
    square = gram.dot(k, k) - 2.0 * mixed
    for row in s:
        square = square + row[0] * row[0]
        for value in row[1:]:
            square = square + 2.0 * value * value
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(trace * trace / square)


def pair_sum(moments: Moments, total: Factor, contrast: Sequence[Floats] | None = None) -> Floats:
    """Sum over clusters of all products of two units' values of a contrast's regressor.

    sum_j {(sum_i z_ij)^2 - sum_i z_ij^2}, z the column of XL that belongs to the contrast
    (unit length). For the slope it is {V(n_j) / nbar + nbar - 1} rho_x of Angrist & Pischke
    (2009, Mostly Harmless Econometrics, eq. 8.2.5), with their rho_x, V without correction.

    Parameters
    ----------
    total : Factor, shape (R,)
        Cross-products of all units about the grand means.
    contrast : sequence of arrays, shape (R,), optional
        As for `sandwich`; without it, the slope of x.
    """
    if isinstance(moments, Pooled):
        of_x = swept(_columns(gram.between(moments)), coefficients_of(total))[-2]
        return moments.cluster_size * (np.sqrt(products(of_x, of_x)) / total.a) ** 2 - 1.0
    centre = gram.grand_means(moments)
    about = [[m - c] for m, c in zip(moments.means, centre, strict=True)]
    of_x = [column[0] for column in swept(about, coefficients_of(total))[:-1]]
    value = of_x[-1] / total.a
    if contrast is not None:
        value = contrast[0] / np.sqrt(moments.n_obs)
        for weight, x, row in zip(contrast[1:], of_x, total.rows, strict=False):
            value = value + weight * (x / row[0])
    sums = moments.weights * value
    return gram.dot(sums, sums) - 1.0


def residual_icc(moments: Moments, total: Factor) -> Floats:
    """Intraclass correlation of the residuals of one line: Stata's loneway.

    0 where every cluster is a single unit. It may be negative.
    """
    icc = anova.icc_of_residuals(moments, slopes(coefficients_of(total)))
    return np.where(np.asarray(moments.n_obs) == moments.n_clusters, 0.0, icc)
