"""Intervals that hold together: of many numbers, the worst is far off by chance alone."""

from __future__ import annotations

import numpy as np
import scipy.special

from simstudy.measures.values import ratio
from simstudy.moments import Floats, Ints
from simstudy.numerics.tails import critical_value

LEVEL = 0.95


def simultaneous(
    value: Floats, mcse: Floats, n: Ints | Floats, *, proportion: bool, family: int
) -> tuple[Floats, Floats]:
    """Bonferroni's intervals of `family` numbers: all hold the truth with probability `LEVEL`.

    Wilson's interval, which a summary has, is too short so far out in the tails of a skewed
    binomial (a rate near .05 of a few hundred replications); that of Clopper and Pearson is
    never too short.

    Parameters
    ----------
    value, mcse : arrays, shape (K,)
        As in a summary.
    n : array, shape (K,)
        Replications that they are of.
    proportion : bool
        Whether they are shares of the replications: then the intervals are exact (Clopper and
        Pearson 1934, Biometrika 26:404-413), else ``value ± t(n - 1) mcse``.
    family : int
        How many intervals shall hold together, at least 1.

    Returns
    -------
    low, high : arrays, shape (K,)
        NaN where there is no value, of what is no proportion also where there is no MCSE.
    """
    outside = (1.0 - LEVEL) / family
    value, n = np.asarray(value, dtype=float), np.asarray(n, dtype=float)
    if not proportion:
        half = critical_value(np.maximum(n - 1, 1), outside) * np.asarray(mcse)
        return value - half, value + half
    count = np.rint(value * n)
    low = scipy.special.betaincinv(np.maximum(count, 1), n - count + 1, outside / 2)
    high = scipy.special.betaincinv(count + 1, np.maximum(n - count, 1), 1 - outside / 2)
    known = ratio(n, n)  # NaN of nothing
    return np.where(count > 0, low, 0.0) * known, np.where(count < n, high, 1.0) * known
