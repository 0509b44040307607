"""Where a wrong Type I error comes from.

With k = ModSE / EmpSE, d = bias / EmpSE and c the mean critical value, a normal estimate is
rejected with probability Phi(-c k + d) + Phi(-c k - d): what k alone adds to 2 Phi(-c) is due
to the standard error, what d adds to that is due to bias, and the remainder of rate - alpha
to the reference distribution.
"""

from __future__ import annotations

import numpy as np
import scipy

from simstudy.measures.totals import Totals
from simstudy.measures.values import Value, plain, ratio
from simstudy.moments import Floats


def _density(z: Floats) -> Floats:
    return np.asarray(np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi))


def decompose(t: Totals, k: int, alpha: float) -> tuple[Value, Value, Value]:
    """The parts due to bias and to the standard error, and the remainder, at `alphas[k]`.

    MCSEs by the delta method from the covariances of t, (t - tbar)^2, s^2, c and the
    rejection indicator. The part due to bias is of second order in d where d is 0: the slope
    at the estimated d then overstates the variance by as much as the second-order term
    (Var(d) = 1 / n), which is taken off and is the least that is left.
    """
    n = t.tests.n[:, k].astype(float)
    mean, variance, c, rate = (values[:, k] for values in t.tests.means)
    s2 = ratio(t.tests.about[2, 0, 0, 0][:, k], n - 1)
    scale, shift = np.sqrt(ratio(variance, s2)), ratio(mean, np.sqrt(s2))
    scale = np.where(scale > 0, scale, np.nan)
    ck = c * scale
    up, down, at = _density(shift - ck), _density(-shift - ck), _density(ck)
    both = 2.0 * scipy.special.ndtr(-ck)
    from_se = both - 2.0 * scipy.special.ndtr(-c)
    from_bias = scipy.special.ndtr(shift - ck) + scipy.special.ndtr(-shift - ck) - both
    rest = rate - alpha - from_bias - from_se
    zero = np.zeros_like(n)
    # gradients of ck and d in the means of t, (t - tbar)^2, s^2 and c, then of the parts
    of_ck = (zero, -ck / (2.0 * s2), ratio(ck, 2.0 * variance), scale, zero)
    of_d = (1.0 / np.sqrt(s2), -shift / (2.0 * s2), zero, zero, zero)
    of_c = (zero, zero, zero, 2.0 * _density(c), zero)
    se = np.stack([-2.0 * at * a + b for a, b in zip(of_ck, of_c, strict=True)])
    bias = np.stack([(2.0 * at - up - down) * a + (up - down) * b
                     for a, b in zip(of_ck, of_d, strict=True)])  # fmt: skip
    of_rate = np.zeros_like(se)
    of_rate[4] = 1.0
    curve = (ck - shift) * up + (ck + shift) * down  # second derivative in d
    second = 0.5 * ratio(curve * curve, n * n)
    covariance = _covariance(t, k)

    def value(part: Floats, gradient: Floats, flat: Floats) -> Value:
        spread = (gradient[:, None] * gradient[None, :] * covariance).sum(axis=(0, 1))
        mcse = np.sqrt(np.maximum(ratio(spread, n * (n - 1)) - flat, flat))
        return plain(np.where(np.isnan(mcse), np.nan, part), mcse)

    remainder = value(rest, of_rate - se - bias, zero)
    return value(from_bias, bias, second), value(from_se, se, zero), remainder


def _covariance(t: Totals, k: int) -> Floats:
    """Sums of products of t, (t - tbar)^2, s^2, c, r about their means; shape (5, 5, K)."""
    tests = {order: values[:, k] for order, values in t.tests.about.items()}
    n, m2 = tests[0, 0, 0, 0], tests[2, 0, 0, 0]
    both = {order: np.where(n > 0, values, 0.0) for order, values in t.with_se.about.items()}
    one = [
        [m2, both[3, 0], both[1, 1], tests[1, 0, 1, 0], tests[1, 0, 0, 1]],
        [both[4, 0] - ratio(m2 * m2, n), both[2, 1], tests[2, 0, 1, 0], tests[2, 0, 0, 1]],
        [both[0, 2], tests[0, 1, 1, 0], tests[0, 1, 0, 1]],
        [tests[0, 0, 2, 0], tests[0, 0, 1, 1]],
        [tests[0, 0, 0, 2]],
    ]
    out = np.empty((5, 5, n.size))
    for i, row in enumerate(one):
        for j, values in enumerate(row, start=i):
            out[i, j] = out[j, i] = values
    return out
