"""Tails of the t distribution."""

from __future__ import annotations

import numpy as np
import scipy

from simstudy.moments import Floats

_HILL_DF = 60.0  # Hill's expansion is exact to 5e-13 from here, for t^2 up to df / 6.1
_HILL_SQUARE = 6.1
_FAR = 1e10  # times df: t from which the correction to the leading term is below 1e-18


def hill_normal(t_squared: Floats, df: Floats | float) -> Floats:
    """Normal deviate with the tail of Student's t (Hill 1970, CACM 13:617-619, eq. 4.1).

    Parameters
    ----------
    t_squared : array
        Squares of t; at most df / 6.1.
    df : array or float
        At least 60.

    Returns
    -------
    array
        u with P(|T_df| > |t|) = 2 Phi(-u), to 5e-13 relative.
    """
    a = df - 0.5
    b = 48.0 * a * a
    y = a * np.log1p(t_squared / df)
    far = (((((64.0 * y + 788.0) * y + 9801.0) * y + 89775.0) * y + 543375.0) * y) + 1788885.0
    near = -((((4.0 * y + 33.0) * y + 240.0) * y + 855.0) / 10.0)
    inner = near + far / (210.0 * b)
    return np.asarray(np.sqrt(y) * (1.0 + (y + 3.0 + inner / b) / b))


def two_sided(t: Floats, df: Floats | float) -> Floats:
    """Two-sided p-value of Student's t.

    Parameters
    ----------
    t : array, shape (R,)
        Statistic; NaN gives NaN.
    df : array of shape (R,), or float
        Degrees of freedom; inf gives the normal tail.

    Returns
    -------
    array, shape (R,)
    """
    t = np.asarray(t, dtype=float)
    if np.ndim(df) == 0 and np.isinf(df):
        return np.asarray(2.0 * scipy.special.ndtr(-np.abs(t)))
    with np.errstate(invalid="ignore", over="ignore"):
        square = t * t
        usual = (square <= df / _HILL_SQUARE) & (df >= _HILL_DF) & np.isfinite(df)
    if usual.all():
        return np.asarray(2.0 * scipy.special.ndtr(-hill_normal(square, df)))
    df = np.broadcast_to(np.asarray(df, dtype=float), t.shape)
    p = np.empty_like(t)
    p[usual] = 2.0 * scipy.special.ndtr(-hill_normal(square[usual], df[usual]))
    normal = np.isinf(df)
    p[normal] = 2.0 * scipy.special.ndtr(-np.abs(t[normal]))
    cauchy = df == 1.0  # scipy's is off by up to 5e-9 near t = 0
    p[cauchy] = 2.0 / np.pi * np.arctan2(1.0, np.abs(t[cauchy]))
    rest = ~(usual | normal | cauchy)
    p[rest] = 2.0 * scipy.special.stdtr(df[rest], -np.abs(t[rest]))
    return p


def critical_value(df: Floats | float, alpha: float) -> Floats:
    """Two-sided critical value of Student's t: P(|T_df| > value) = alpha.

    scipy's inverse is good to 1e-9 before version 1.17; one Newton step gives the rest.
    """
    df = np.asarray(df, dtype=float)
    finite = np.isfinite(df)
    nu = np.where(finite, df, 1.0)
    log_scale = scipy.special.gammaln((nu + 1.0) / 2.0) - scipy.special.gammaln(nu / 2.0)
    log_tail = np.log(2.0) + log_scale + 0.5 * (nu * np.log(nu) - np.log(np.pi))  # of alpha t^nu
    with np.errstate(all="ignore"):  # far out the density is 0, and there is no step
        far = np.exp((log_tail - np.log(nu) - np.log(alpha)) / nu)
        t = np.abs(scipy.special.stdtrit(nu, alpha / 2.0))
        log_density = log_scale - 0.5 * (np.log(nu * np.pi) + (nu + 1.0) * np.log1p(t * t / nu))
        step = (scipy.special.stdtr(nu, -t) - alpha / 2.0) / np.exp(log_density)
    # beyond this the leading term of the tail is exact, and scipy's inverse may be anything
    t = np.where(far > _FAR * nu, far, t + np.where(np.isfinite(step), step, 0.0))
    return np.asarray(np.where(finite, t, -scipy.special.ndtri(alpha / 2.0)))
