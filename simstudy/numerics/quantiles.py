"""Critical values of the t distribution, many at a time."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from simstudy.moments import Array, Floats
from simstudy.numerics.tails import critical_value

_CELLS = 1024  # of 1 / df from 0 to 1; 2e-13 relative at alpha .05, 3e-10 at 1e-8


def critical_values(df: Floats, alpha: float) -> Floats:
    """Two-sided critical values, P(|T_df| > value) = alpha, at about 10 ns each.

    The logarithm is smooth in 1 / df from the normal (0) to the Cauchy distribution (1):
    cubics through neighbouring nodes. Below one degree of freedom each is found by itself.

    Parameters
    ----------
    df : array
        Positive; inf is the normal distribution.
    alpha : float
    """
    df = np.asarray(df, dtype=float)
    scaled = _CELLS / np.maximum(df, 1.0)
    cell = np.minimum(scaled.astype(np.intp), _CELLS - 1)
    scaled -= cell
    zero, one, two, three = (coefficient[cell] for coefficient in _cubics(alpha))
    value = np.exp(zero + scaled * (one + scaled * (two + scaled * three)))
    few = df < 1.0
    if few.any():
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            value[few] = critical_value(df[few], alpha)
    return value


@lru_cache(maxsize=64)
def _cubics(alpha: float) -> tuple[Array, ...]:
    """Coefficients of the cubic in each cell, as polynomials of the place inside it."""
    nodes = np.arange(1, _CELLS + 1) / _CELLS
    at = np.log(critical_value(np.concatenate([[np.inf], 1.0 / nodes]), alpha))
    cells = np.arange(_CELLS)
    first = np.clip(cells - 1, 0, _CELLS - 3)  # of the four nodes
    values = np.stack([at[first + k] for k in range(4)])
    cubics = np.empty((4, _CELLS))
    for offset in (-2, -1, 0):
        here = first - cells == offset
        inverse = np.linalg.inv(np.vander(np.arange(4.0) + offset, increasing=True))
        cubics[:, here] = np.einsum("ik,kj->ij", inverse, values[:, here])
    return tuple(cubics)
