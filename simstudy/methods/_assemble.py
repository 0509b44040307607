"""From estimate, standard error and df to a complete row."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

import numpy as np

from simstudy.estimates import Estimates, Outcome
from simstudy.moments import Array, Bools, Clusters, Factor, Floats, Ints, Moments, Numbers, Pooled
from simstudy.numerics import gram, tails
from simstudy.numerics.elimination import swept
from simstudy.numerics.weighted import Profile, predictors_on_each_other

PERFECT = 1e-12  # residual SD over total SD below which only rounding is left


def outcome_of(total: Factor, *reasons: tuple[Outcome, Bools | bool]) -> Array:
    """Outcome of a fit, shape (R,): not finite, x constant, the first of `reasons`, or ok."""
    checks = [
        (Outcome.NON_FINITE, ~np.isfinite(spread(total) * total.a)),
        (Outcome.COLLINEAR, collinear(total)),
        (Outcome.X_CONSTANT, total.a == 0),
        *reasons,
    ]
    return _first(checks)


def ols_outcome(
    total: Factor,
    df: Numbers,
    x_scale: Floats | None = None,
    residual: Floats | None = None,
    constant: Outcome = Outcome.X_CONSTANT,
) -> Array:
    """Outcome of a regression: no df, no variation of x, no residual variance, or ok.

    Parameters
    ----------
    total : Factor of arrays, shape (R,)
        Cross-products of all units: their rounding is the scale of noise.
    df : residual degrees of freedom
    x_scale, residual : arrays, shape (R,), optional
        Square roots of the sums of squares of x and of the residuals, where not all units
        are regressed as they are.
    constant : Outcome
        What it is called where x varies, but not in this regression.
    """
    x_scale = total.a if x_scale is None else x_scale
    residual = total.r if residual is None else residual
    checks = [
        (Outcome.NON_FINITE, ~np.isfinite(spread(total) * x_scale)),
        (Outcome.COLLINEAR, collinear(total)),
        (Outcome.X_CONSTANT, (x_scale == 0) & ~(total.a > 0)),
        (constant, x_scale == 0),
        (Outcome.NO_RESIDUAL_DF, np.asarray(df) <= 0),
        (Outcome.NO_RESIDUAL_VARIANCE, is_perfect(residual, total)),
    ]
    return _first(checks)


def _first(checks: list[tuple[Outcome, Any]]) -> Array:
    reasons, conditions = zip(*checks, strict=True)
    return np.select(conditions, reasons, Outcome.OK).astype(np.int8)


def collinear(total: Factor) -> Bools | bool:
    """Whether a covariate does not vary, or x is a combination of covariates, shape (R,)."""
    *covariates, x = total.rows[:-1]
    if not covariates:
        return False
    lengths = [row[0] == 0 for row in covariates]
    lengths.append((x[0] == 0) & (total.xx > 0))
    return np.asarray(np.any(np.broadcast_arrays(*lengths), axis=0))


def unless(outcome: Array, mask: Bools | bool, reason: Outcome) -> Array:
    """Give a reason to the fits in `mask` that were ok without it."""
    return np.where((outcome == Outcome.OK) & mask, reason, outcome).astype(np.int8)


def is_perfect(residual: Floats, total: Factor) -> Bools:
    """Whether residuals, by the root of their sum of squares, are rounding alone, shape (R,)."""
    return np.asarray(residual <= PERFECT * spread(total))


def varying(factor: Factor) -> Ints:
    """Number of predictors with a length of their own, shape (R,)."""
    return np.asarray(sum((row[0] > 0).astype(np.int64) for row in factor.rows[:-1]))


def between_scale(total: Factor, outer: Factor) -> Floats:
    """Root of the between sum of squares of x; 0 where the means differ by rounding alone.

    Parameters
    ----------
    total, outer : Factor of arrays, shape (R,)
        Cross-products of all units, and of the cluster means times their sizes.
    """
    return np.where(outer.a > PERFECT * total.a, outer.a, 0.0)


def collinear_between(total: Factor, outer: Factor) -> Bools | bool:
    """Whether the means of a covariate do not vary, or are a combination of others', shape (R,).

    Parameters
    ----------
    total, outer : Factor of arrays, shape (R,)
        As in `between_scale`.
    """
    rows = zip(outer.rows[:-2], total.rows[:-2], strict=True)
    return np.any([means[0] <= PERFECT * of[0] for means, of in rows], axis=0)


def spread(factor: Factor) -> Floats:
    """Square root of the sum of squares of y."""
    return np.asarray(reduce(np.hypot, factor.column(-1)))


def estimates(
    estimate: Floats,
    std_error: Floats,
    df: Numbers,
    outcome: Array,
    tau2: Floats | None = None,
    sigma2: Floats | None = None,
    extras: Mapping[str, Floats] | None = None,
) -> Estimates:
    """Test the estimate against 0 and blank what does not exist.

    A standard error that is not finite and positive, or a df that is not positive, is never
    `ok`: the row keeps its estimate as `no_std_error`, or nothing where that is not finite.
    """
    fitted = (outcome == Outcome.OK) | (outcome == Outcome.BOUNDARY)
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
    return Estimates(estimate, std_error, free, p_value, outcome, tau2, sigma2, extras)


def p_values(distance: Floats, std_error: Floats, df: Floats) -> Floats:
    """P-values of t tests, `distance` from the null value; NaN where there is no test."""
    constant = df.size and df.strides == (0,)  # one df for all: the scalar path is faster
    return tails.two_sided(distance / std_error, float(df[0]) if constant else df)


def with_means(moments: Moments, term: str) -> Clusters:
    """The moments, if they hold cluster means: an intercept cannot be had without."""
    if isinstance(moments, Pooled):
        raise ValueError(f"the {term} needs cluster means; these moments are pooled")
    return moments


def means(moments: Moments, term: str, weight: Floats | None = None) -> tuple[Floats, ...]:
    """Means of every column, by default of all units: the intercept needs them."""
    clusters = with_means(moments, term)
    found = gram.weighted_means(clusters, clusters.weights if weight is None else weight)
    return tuple(of + mean for of, mean in zip(clusters.point, found, strict=True))


def at_zero(line: Profile, clusters: Clusters) -> tuple[Floats, list[Floats | float]]:
    """Value of a line where every predictor is 0, and its weights on level and slopes."""
    *of_x, of_y = clusters.point
    value: Floats = of_y + line.level
    shifts = swept([[np.asarray(of)] for of in of_x], predictors_on_each_other(line.coefficients))
    weights: list[Floats | float] = [1.0]
    for along, mean, (shift,) in zip(line.coefficients, line.means, shifts, strict=True):
        centre = shift + mean
        value = value - along[-1] * centre
        weights.append(-centre)
    return value, weights


def regression(total: Factor, residual: Floats, df: Numbers) -> dict[str, float | None]:
    """Residual SD and R-squared of one least-squares fit, null where they do not exist."""
    free = np.asarray(df).item()
    scale = spread(total).item()
    return {
        "sigma": residual.item() / free**0.5 if free > 0 else None,
        "r_squared": 1.0 - (residual.item() / scale) ** 2 if scale > 0 else None,
        "criterion": None,
    }
