"""Bradley's robustness of a test's size."""

from __future__ import annotations

import numpy as np

from simstudy.moments import Array, Floats

BAND, INNER_BAND = (0.5, 1.5), (0.9, 1.1)  # of alpha: his liberal criterion, and the stringent one
VERDICTS = ("robust", "liberal", "conservative", "undecided")


def verdict(low: Floats | float, high: Floats | float, alpha: Floats | float) -> Array:
    """Judge Type I error rates (Bradley 1978, Br. J. Math. Stat. Psychol. 31:144-152).

    Parameters
    ----------
    low, high : arrays
        Wilson 95 % Monte Carlo interval of each rate.
    alpha : array or float
        Nominal level.

    Returns
    -------
    array of int
        Index into `VERDICTS`: robust where the interval lies inside `BAND`, liberal or
        conservative where it lies wholly above or below, else undecided; -1 where it is NaN.
    """
    low, high = np.asarray(low), np.asarray(high)
    least, most = (np.asarray(alpha) * edge for edge in BAND)
    cases = [np.isnan(low), low > most, high < least, (low >= least) & (high <= most)]
    return np.select(cases, [-1, 1, 2, 0], 3).astype(np.int8)
