"""Whether numbers that depend on chance differ by more than chance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simstudy.entries import Words
from simstudy.estimates import NUMBERS, Estimates
from simstudy.moments import Array, Floats
from simstudy.numerics.tails import two_sided

STREAMS = 16  # of random numbers, for each of two sets of fits
SCALED = ("estimate", "std_error")  # of `NUMBERS`, those with the unit of y
_LEAST_P = 1e-6  # of Welch's test; some hundred are made in a trial
_ROUNDING = 1e-6  # of a number's size: what an iteration leaves is no difference
_MOST, _FEW = 3 * STREAMS // 4, STREAMS // 4


def words_of(stream: int, n_reps: int) -> Words:
    """Random words of one stream, by replication."""
    generator = np.random.SFC64(stream)

    def words(k: int) -> Array:
        return np.asarray(generator.random_raw(k * n_reps)).reshape(k, n_reps)

    return words


def differ(
    before: Callable[[int], Estimates], after: Callable[[int], Estimates], scale: float = 1.0
) -> str | None:
    """How the means of fits over streams differ by more than chance; None where they do not.

    Parameters
    ----------
    before, after : callables
        Number of a stream -> the fits with its random numbers; the streams are all different.
    scale : float
        What estimates and standard errors of `before` are multiplied by.
    """
    first = [before(stream) for stream in range(1, STREAMS + 1)]
    second = [after(stream) for stream in range(STREAMS + 1, 2 * STREAMS + 1)]
    least, worst = _LEAST_P, None
    for name in NUMBERS:
        factor = scale if name in SCALED else 1.0
        a, b = (np.stack([getattr(found, name) for found in fits]) for fits in (first, second))
        p = _welch(factor * a, b)
        k = int(np.argmin(p))
        if p[k] < least:
            expected, mean = (_mean(v[:, k]) for v in (factor * a, b))
            least, worst = p[k], f"mean {name} {mean} where {expected} is expected"
    return worst


def _mean(values: Floats) -> str:
    finite = values[np.isfinite(values)]
    return f"{finite.mean():.4g}" if finite.size > _FEW else "missing"


def _welch(a: Floats, b: Floats) -> Floats:
    """P-value of Welch's test along the first axis; 0 where one side alone has numbers."""
    n = [np.isfinite(v).sum(axis=0) for v in (a, b)]
    with np.errstate(all="ignore"):
        means, variances = [], []
        for v, m in zip((a, b), n, strict=True):
            kept = np.where(np.isfinite(v), v, 0.0)
            mean = kept.sum(axis=0) / m
            squares = np.where(np.isfinite(v), (v - mean) ** 2, 0.0).sum(axis=0)
            means.append(mean)
            variances.append(squares / (m - 1) / m)
        size = np.maximum(np.abs(means[0]), np.abs(means[1]))
        total = variances[0] + variances[1] + (_ROUNDING * size) ** 2
        df = total**2 / sum(v**2 / (m - 1) for v, m in zip(variances, n, strict=True))
        df = np.where(np.isfinite(df), df, 2.0 * STREAMS)
        p = two_sided((means[0] - means[1]) / np.sqrt(total), df)
    lone = (np.maximum(*n) >= _MOST) & (np.minimum(*n) <= _FEW)
    return np.where(lone, 0.0, np.where((np.minimum(*n) > _FEW) & np.isfinite(p), p, 1.0))
