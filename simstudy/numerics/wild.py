"""The wild cluster bootstrap-t of a slope, null imposed.

Cameron, Gelbach & Miller (2008, REStat 90:414-427): the residuals u of the model without x
are multiplied by one random weight a cluster, and t of the slope is computed anew. Slope,
level and cluster-robust variance of such a sample are sums over clusters of the weights
times X_j'u_j and of X_j'X_j, so no unit is ever touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simstudy.moments import Clusters, Factor, Floats
from simstudy.numerics import gram

Words = Callable[[int], NDArray[np.uint64]]

PERFECT = 1e-12  # root of the sum of squared scores over its scale: below, it is rounding
TIE = 1e-9  # two t statistics nearer than this, relatively, are one
_NUMBERS = 32768  # weights held at once: some arrays of them stay in the cache
_SIGN, _ONE = np.uint64(1 << 63), np.float64(1.0).view(np.uint64)
_WEBB = np.array([-np.sqrt(1.5), -1.0, -np.sqrt(0.5), np.sqrt(0.5), 1.0, np.sqrt(1.5)])
_DIGITS = 12  # base-6 digits taken from a word; they are uneven by 6^12 / 2^64 = 1e-10


class Restricted(NamedTuple):
    """Cluster sums of x about its mean and of u = y - mean(y); broadcast to (J, R)."""

    xu: Floats
    u: Floats
    x: Floats
    xx: Floats
    total_xx: Floats  # over all units, (R,)
    n_obs: Floats
    floor: Floats  # meat at or below this is rounding, (R,)


def restricted(clusters: Clusters, total: Factor) -> Restricted:
    """Cluster sums under a slope of 0.

    Parameters
    ----------
    total : Factor, shape (R,)
        Cross-products of all units about the grand means.
    """
    mean_x, mean_y = gram.grand_means(clusters)
    x, u = clusters.mean_x - mean_x, clusters.mean_y - mean_y
    inner, sizes = clusters.within, clusters.weights
    scale = PERFECT * total.a * np.hypot(total.b, total.r)
    return Restricted(
        inner.a * inner.b + sizes * x * u,
        sizes * u,
        sizes * x,
        inner.a * inner.a + sizes * x * x,
        total.a * total.a,
        np.asarray(clusters.n_obs, dtype=float),
        scale * scale,
    )


def t_statistics(of: Restricted, weights: Floats) -> tuple[Floats, Floats]:
    """Numerator and squared denominator of t in samples with residuals w_j u_ij.

    The finite-sample factor of the variance (CR1S) is the same in all samples and in the
    data, so it has no part in any comparison and is left out.

    Parameters
    ----------
    weights : array that broadcasts to (K, J, R)

    Returns
    -------
    slope, meat : arrays, shape (K, R)
        Slope times Sxx, and the sum of squared cluster scores.
    """
    top = np.einsum("kjr,jr->kr", weights, of.xu)
    slope, level = top / of.total_xx, np.einsum("kjr,jr->kr", weights, of.u) / of.n_obs
    score = weights * of.xu
    score -= of.x * level[:, None]
    score -= of.xx * slope[:, None]
    return top, np.einsum("kjr,kjr->kr", score, score)


def p_value(of: Restricted, kind: str, tail: str, draws: int, words: Words) -> Floats:
    """Bootstrap p-value of a slope of 0, shape (R,); NaN where t does not exist.

    Parameters
    ----------
    kind : {"rademacher", "webb"}
        Weights -1 and 1 (all 2^J of them, once each, when these are at most `draws`), or
        Webb's six (2023, Can. J. Econ. 56:839-858).
    tail : {"symmetric", "equal_tailed"}
        Share of |t*| >= |t|, or twice the smaller of the shares of t* < t and t* > t with
        ties (t itself, among all 2^J) half to either.
    draws : int
    words : callable
        k -> k random words a replication, shape (k, R) or (k, 1).

    Notes
    -----
    Samples in which the variance is 0 count as ties.
    """
    j, n_reps = np.broadcast_shapes(of.xu.shape, of.total_xx.shape)
    top, meat = t_statistics(of, np.ones((1, j, 1)))
    t = np.where(meat > of.floor, top / np.sqrt(meat), np.nan)
    gap = TIE * (1.0 + np.abs(t))
    below, above = np.zeros((2, n_reps))
    done = 0
    for weights in _weights(kind, j, max(1, _NUMBERS // (j * n_reps)), draws, words):
        top, meat = t_statistics(of, weights)
        star = np.where(meat > of.floor, top / np.sqrt(meat), t)
        done += star.shape[0]
        if tail == "symmetric":
            above += (np.abs(star) >= np.abs(t) - gap).sum(axis=0)
        else:
            less, more = star < t - gap, star > t + gap
            below += less.sum(axis=0)
            above += more.sum(axis=0)
    if tail == "symmetric":
        return np.where(np.isnan(t[0]), np.nan, above / done)
    tied = done - below - above
    return np.where(np.isnan(t[0]), np.nan, 2.0 * (np.minimum(below, above) + 0.5 * tied) / done)


def _weights(kind: str, j: int, step: int, draws: int, words: Words) -> Iterator[Floats]:
    """Weights of all samples, at most `step` samples at once, shape (K, J, R) or (K, J, 1)."""
    if kind == "rademacher" and 2**j <= draws:
        cluster = np.arange(j, dtype=np.uint64)[:, None]
        for first in range(0, 2**j, step):
            sample = np.arange(first, min(first + step, 2**j), dtype=np.uint64)
            yield _signs(sample[:, None, None] >> cluster)
        return
    take, held = (_some_signs, 64) if kind == "rademacher" else (_some_webb, _DIGITS)
    for first in range(0, draws, held):
        last = min(held, draws - first)
        word = words(j)
        for start in range(0, last, step):
            yield take(word, start, min(start + step, last))


def _signs(bits: NDArray[np.uint64]) -> Floats:
    """-1.0 or 1.0 by the lowest bit, which becomes the sign of a double."""
    return np.asarray((bits << np.uint64(63) | _ONE).view(np.float64))


def _some_signs(word: NDArray[np.uint64], first: int, last: int) -> Floats:
    return _signs(word >> np.arange(first, last, dtype=np.uint64)[:, None, None])


def _some_webb(word: NDArray[np.uint64], first: int, last: int) -> Floats:
    digits = [word // np.uint64(6**k) % np.uint64(6) for k in range(first, last)]
    return _WEBB.take(np.array(digits, dtype=np.intp))
