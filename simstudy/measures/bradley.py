"""Bradley's robustness of a test's size."""

from __future__ import annotations

import numpy as np

from simstudy.errors import UserError
from simstudy.moments import Array, Floats

BANDS = {"liberal": (0.5, 1.5), "stringent": (0.9, 1.1)}  # of alpha
VERDICTS = ("robust", "liberal", "conservative", "undecided")


def verdict(low: Floats, high: Floats, alpha: Floats | float, band: str = "liberal") -> Array:
    """Judge Type I error rates (Bradley 1978, Br. J. Math. Stat. Psychol. 31:144-152).

    Parameters
    ----------
    low, high : arrays
        Wilson 95 % Monte Carlo interval of each rate.
    alpha : array or float
        Nominal level.
    band : {"liberal", "stringent"}
        0.5 to 1.5 alpha, or 0.9 to 1.1 alpha.

    Returns
    -------
    array of int
        Index into `VERDICTS`: robust where the interval lies inside the band, liberal or
        conservative where it lies wholly above or below, else undecided; -1 where it is NaN.
    """
    if band not in BANDS:
        raise UserError(f"unknown band '{band}'; known: {', '.join(BANDS)}")
    least, most = (np.asarray(alpha) * edge for edge in BANDS[band])
    cases = [np.isnan(low), low > most, high < least, (low >= least) & (high <= most)]
    return np.select(cases, [-1, 1, 2, 0], 3).astype(np.int8)
