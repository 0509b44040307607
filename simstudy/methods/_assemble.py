"""From estimate, standard error and df to a complete row."""

from __future__ import annotations

import numpy as np

from simstudy.estimates import Estimates, Outcome
from simstudy.moments import Array, Clusters, Factor, Floats, Moments, Numbers, Pooled
from simstudy.numerics import gram, tails

Origin = tuple[float, float]
ZERO: Origin = (0.0, 0.0)
PERFECT = 1e-12  # residual SD over total SD below which only rounding is left


def ols_outcome(x_scale: Floats, residual: Floats, spread: Floats, df: Numbers) -> Array:
    """Outcome of a regression: no df, no variation of x, no residual variance, or ok.

    Parameters
    ----------
    x_scale, residual, spread : arrays, shape (R,)
        Square roots of the sums of squares of x, of the residuals and of y.
    df : residual degrees of freedom
    """
    conditions = [
        ~np.isfinite(spread * x_scale),
        x_scale == 0,
        np.broadcast_to(df, x_scale.shape) <= 0,
        residual <= PERFECT * spread,
    ]
    reasons = [
        Outcome.NON_FINITE,
        Outcome.X_CONSTANT,
        Outcome.NO_RESIDUAL_DF,
        Outcome.NO_RESIDUAL_VARIANCE,
    ]
    return np.select(conditions, reasons, Outcome.OK).astype(np.int8)


def between_scale(total: Factor, outer: Factor) -> Floats:
    """Root of the between sum of squares of x; 0 where the means differ by rounding alone.

    Parameters
    ----------
    total, outer : Factor of arrays, shape (R,)
        Cross-products of all units, and of the cluster means times their sizes.
    """
    return np.where(outer.a > PERFECT * total.a, outer.a, 0.0)


def spread(factor: Factor) -> Floats:
    """Square root of the sum of squares of y."""
    return np.hypot(factor.b, factor.r)


def estimates(
    estimate: Floats,
    std_error: Floats,
    df: Numbers,
    outcome: Array,
    tau2: Floats | None = None,
    sigma2: Floats | None = None,
) -> Estimates:
    """Test the estimate against 0 and blank what does not exist.

    A standard error that is not finite and positive, or a df that is not positive, is never
    `ok`: the row keeps its estimate as `no_std_error`, or nothing where that is not finite.
    """
    fitted = (outcome == Outcome.OK) | (outcome == Outcome.BOUNDARY)
    with np.errstate(invalid="ignore"):
        whole = (std_error > 0) & np.isfinite(std_error) & np.isfinite(estimate)
        bad = fitted & ~(whole & (np.asarray(df) > 0))
    if bad.any():
        kept = np.where(np.isfinite(estimate), Outcome.NO_STD_ERROR, Outcome.NON_FINITE)
        outcome = np.where(bad, kept, outcome).astype(np.int8)
    free: Floats = np.broadcast_to(np.asarray(df, dtype=float), estimate.shape)
    tested = (outcome == Outcome.OK) | (outcome == Outcome.BOUNDARY)
    if not tested.all():
        shown = tested | (outcome == Outcome.NO_STD_ERROR)
        estimate = np.where(shown, estimate, np.nan)
        std_error, free = np.where(tested, std_error, np.nan), np.where(tested, free, np.nan)
        tau2 = None if tau2 is None else np.where(shown, tau2, np.nan)
        sigma2 = None if sigma2 is None else np.where(shown, sigma2, np.nan)
    p_value = p_values(estimate, std_error, free)
    return Estimates(estimate, std_error, free, p_value, outcome, tau2, sigma2)


def p_values(distance: Floats, std_error: Floats, df: Floats) -> Floats:
    """P-values of t tests, `distance` from the null value; NaN where there is no test."""
    constant = df.size and df.strides == (0,)  # one df for all: the scalar path is faster
    with np.errstate(over="ignore"):
        statistic = distance / std_error
    return tails.two_sided(statistic, float(df[0]) if constant else df)


def with_means(moments: Moments, term: str) -> Clusters:
    """The moments, if they hold cluster means: an intercept cannot be had without."""
    if isinstance(moments, Pooled):
        raise ValueError(f"the {term} needs cluster means; these moments are pooled")
    return moments


def means(moments: Moments, term: str, origin: Origin) -> tuple[Floats, Floats]:
    """Grand means of x and y, which the intercept needs and pooled moments do not hold."""
    clusters = with_means(moments, term)
    mean_x, mean_y = gram.grand_means(clusters)
    return origin[0] + mean_x, origin[1] + mean_y


def regression(total: Factor, residual: Floats, df: Numbers) -> dict[str, float | None]:
    """Residual SD and R-squared of one least-squares fit, null where they do not exist."""
    free = np.asarray(df).item()
    scale = spread(total).item()
    return {
        "sigma": residual.item() / free**0.5 if free > 0 else None,
        "r_squared": 1.0 - (residual.item() / scale) ** 2 if scale > 0 else None,
        "criterion": None,
    }
