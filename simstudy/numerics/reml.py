"""The variance ratio psi = tau2 / sigma2 by REML or ML, always the best optimum.

The unknown is w = 1 / (1 + nbar psi) in (0, 1], nbar the mean cluster size; w = 1 is the
boundary tau2 = 0. Both searches list brackets in which -2 log L has a minimum; one rule
chooses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simstudy.moments import Bools, Clusters, Factor, Floats, Moments, Pooled
from simstudy.numerics import gram, likelihood, screen, weighted
from simstudy.numerics.elimination import divide
from simstudy.numerics.roots import Evaluate, upward_roots
from simstudy.numerics.screen import Brackets

Criterion = Callable[[NDArray[np.intp], Floats], Floats]


def variance_ratio(
    moments: Moments, within: Factor, *, reml: bool, n_fixed: int
) -> tuple[Floats, Bools]:
    """Estimate psi = tau2 / sigma2 in every replication.

    Parameters
    ----------
    moments : Pooled or Clusters
        Balanced moments of one predictor take the closed form, all others the search.
    within : Factor, shape (R,)
        Within-cluster cross-products over all clusters, or what a regression within
        clusters has left of them.
    reml : bool
        REML, or else ML.
    n_fixed : int
        Fixed effects, those of a regression within clusters included.

    Returns
    -------
    psi : array, shape (R,)
        Exactly 0 at the boundary.
    boundary : array of bool, shape (R,)
    """
    if isinstance(moments, Clusters) and moments.balanced:
        moments = gram.pool(moments)
    mean_size = np.atleast_1d(moments.n_obs / moments.n_clusters)
    if isinstance(moments, Pooled) and moments.n_fixed == 2:
        w = _balanced(replace(moments, within=within), reml, n_fixed)
    else:
        w = _search(moments, within, reml, mean_size, n_fixed)
    return np.asarray((1.0 / w - 1.0) / mean_size), w == 1.0


def cubic(moments: Pooled, reml: bool, n_fixed: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Coefficients p0..p3 of the cubic whose roots in (0, 1) are the stationary points.

    With D(w) = Wxx + w Bxx and R(w) = R0 + R1 w + R2 w^2 the determinant of W + w B,
    -2 log L = nu log R - (nu - [REML]) log D - (J - [REML]) log w; its derivative times
    R D w is p0 + p1 w + p2 w^2 + p3 w^3, with p0 <= 0 <= p3.
    """
    inner, outer = moments.within, moments.between
    nu, j = likelihood.residual_df(moments.n_obs, reml, n_fixed), moments.n_clusters
    wxx, bxx = inner.a * inner.a, outer.a * outer.a
    wrr, brr = inner.r * inner.r, outer.r * outer.r
    twist = inner.b * outer.a - outer.b * inner.a
    r0, r1, r2 = wxx * wrr, twist * twist + wrr * bxx + brr * wxx, bxx * brr
    lost = 1 if reml else 0
    p0 = -(j - lost) * r0 * wxx
    p1 = (nu - j + lost) * r1 * wxx - (nu + j - 2 * lost) * r0 * bxx
    p2 = (2 * nu - j + lost) * r2 * wxx - (j - 2 * lost) * r1 * bxx
    return p0, p1, p2, (nu - j + 2 * lost) * r2 * bxx


def _balanced(moments: Pooled, reml: bool, n_fixed: int) -> Floats:
    p0, p1, p2, p3 = (np.atleast_1d(p) for p in cubic(moments, reml, n_fixed))
    at_one = p0 + p1 + p2 + p3
    bent = (p1 > 0) & (p2 < 0)  # otherwise Descartes: one positive root at most
    plain = np.flatnonzero(~bent & (at_one > 0))
    inner, outer = moments.within, moments.between
    free = max(moments.n_obs - moments.n_clusters - 1, 1) / max(moments.n_clusters - 2, 1)
    start = divide(inner.r[plain] ** 2, free * outer.r[plain] ** 2)
    brackets = Brackets(plain, np.zeros(plain.size), np.ones(plain.size), start)
    if bent.any():
        rare = _bent_brackets(np.flatnonzero(bent), p0, p1, p2, p3)
        brackets = Brackets(*(np.concatenate(pair) for pair in zip(brackets, rare, strict=True)))

    def evaluate(index: NDArray[np.intp], w: Floats) -> tuple[Floats, Floats]:
        c0, c1, c2, c3 = p0[index], p1[index], p2[index], p3[index]
        return ((c3 * w + c2) * w + c1) * w + c0, (3.0 * c3 * w + 2.0 * c2) * w + c1

    def criterion(index: NDArray[np.intp], w: Floats) -> Floats:
        part = weighted.columns(moments, index)
        psi = (1.0 / w - 1.0) / moments.cluster_size
        at = weighted.line(part, part.within, psi)
        return likelihood.criterion(part, at, psi, reml, n_fixed)

    return _best(at_one.size, brackets, at_one <= 0, evaluate, criterion)


def _bent_brackets(
    index: NDArray[np.intp], p0: Floats, p1: Floats, p2: Floats, p3: Floats
) -> Brackets:
    """Split (0, 1) at the cubic's turning points: it rises before the first, after the second."""
    c0, c1, c2, c3 = p0[index], p1[index], p2[index], p3[index]
    root = np.sqrt(np.maximum(c2 * c2 - 3.0 * c1 * c3, 0.0))
    first = c1 / (root - c2)
    second = np.where(c3 > 0, (root - c2) / np.where(c3 > 0, 3.0 * c3, 1.0), np.inf)

    def value(w: Floats) -> Floats:
        return np.asarray(((c3 * w + c2) * w + c1) * w + c0)

    top, bottom = np.minimum(first, 1.0), np.minimum(second, 1.0)
    lower = value(top) > 0
    upper = (bottom < 1.0) & (value(bottom) < 0) & (value(np.ones_like(top)) > 0)
    low = np.concatenate([np.zeros(lower.sum()), bottom[upper]])
    high = np.concatenate([top[lower], np.ones(upper.sum())])
    return Brackets(np.concatenate([index[lower], index[upper]]), low, high, 0.5 * (low + high))


def _search(
    moments: Moments, within: Factor, reml: bool, mean_size: Floats, n_fixed: int
) -> Floats:
    residual = np.atleast_1d(likelihood.residual_df(moments.n_obs, reml, n_fixed))

    def of(index: NDArray[np.intp]) -> tuple[Moments, Factor]:
        return weighted.columns(moments, index), within.take(index)

    def evaluate(index: NDArray[np.intp], w: Floats) -> tuple[Floats, Floats]:
        size, nu = weighted.take(mean_size, index), weighted.take(residual, index)
        sums = weighted.evaluate(*of(index), (1.0 / w - 1.0) / size)
        f = likelihood.score(sums.at, sums.second, nu, reml)
        slope = likelihood.score_slope(sums, nu, reml)
        return f / w, -slope / (size * w * w * w) - f / (w * w)

    def criterion(index: NDArray[np.intp], w: Floats) -> Floats:
        part, inner = of(index)
        psi = (1.0 / w - 1.0) / weighted.take(mean_size, index)
        at = weighted.line(part, inner, psi)
        return likelihood.criterion(part, at, psi, reml, n_fixed)

    def score(index: NDArray[np.intp], psi: Floats) -> Floats:
        at, second = weighted.first_orders(*of(index), psi)
        return likelihood.score(at, second, weighted.take(residual, index), reml)

    sizes = weighted.sizes(moments)
    brackets, boundary = screen.brackets(sizes, moments.n_reps, mean_size, score)
    return _best(moments.n_reps, brackets, boundary, evaluate, criterion)


def _best(
    n_reps: int,
    brackets: Brackets,
    boundary: Bools,
    evaluate: Evaluate,
    criterion: Criterion,
) -> Floats:
    """Solve every bracket; where a replication has several optima, keep the best."""
    index = brackets.which

    def inside(pick: NDArray[np.intp], w: Floats) -> tuple[Floats, Floats]:
        return evaluate(index[pick], w)

    roots = upward_roots(inside, *brackets[1:])
    best = np.ones(n_reps)
    best[index] = roots
    count = np.bincount(index, minlength=n_reps) + boundary
    several = count > 1
    if several.any():
        inner = several[index]
        edge = np.flatnonzero(several & boundary)
        rivals = np.concatenate([index[inner], edge])
        w = np.concatenate([roots[inner], np.ones(edge.size)])
        order = np.lexsort((criterion(rivals, w), rivals))
        chosen, first = np.unique(rivals[order], return_index=True)
        best[chosen] = w[order][first]
    return best
