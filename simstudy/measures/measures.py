"""Totals to values, each with its Monte Carlo error.

Formulas after Morris, White & Crowther (2019, Stat. Med. 38:2074-2102) and White (2010,
Stata J. 10:369-385). The default MCSE is the linearised ("robust") one, which needs no
normality; `mcse="normal"` gives rsimsum's. Every array has a value a group: a method in a
scenario.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from simstudy.estimands import is_null
from simstudy.estimates import STATUSES
from simstudy.measures import pairs as paired
from simstudy.measures.decomposition import PARTS, decompose
from simstudy.measures.ordered import ON_REQUEST
from simstudy.measures.pairs import Pairs
from simstudy.measures.totals import Totals
from simstudy.measures.values import NAN, Column, Value, mean_of, plain, proportion, ratio
from simstudy.moments import Bools, Floats, Ints

__all__ = ["MEASURES", "SHARES", "SIMPLE", "Column", "Value", "finish", "proportion"]


def bias(t: Totals, mcse: str) -> Value:
    """Mean of estimate minus truth; MCSE s / sqrt(n)."""
    rows = t.of_error
    return mean_of(rows.means[0], rows.about[2, 0], rows.n)


def relative_bias(t: Totals, truth: Floats) -> Value:
    """Bias over the truth, or the mean error over its own truth; undefined where one is 0."""
    one = bias(t, "robust")
    size = np.where(truth == 0, NAN, truth)
    of_one = plain(one.value / size, one.mcse / np.abs(size))
    each = mean_of(t.relative.means[0], t.relative.about[2,], t.relative.n)
    return Value(*(np.where(np.isnan(truth), a, b) for a, b in zip(each, of_one, strict=True)))


def empirical_se(t: Totals, mcse: str) -> Value:
    """SD of the estimates, be the truth the same for all of them or not."""
    n, about = t.of_estimate.n, t.of_estimate.about
    s2 = ratio(about[2, 0], n - 1)
    s = np.where(s2 > 0, np.sqrt(s2), NAN)
    if mcse == "normal":
        return plain(s, s / np.sqrt(2.0 * np.maximum(n - 1, 1)))
    fourth = about[4, 0] - 2.0 * s2 * about[2, 0] + n * s2 * s2
    return plain(s, np.sqrt(np.maximum(fourth, 0.0)) / np.maximum(n, 1) / (2.0 * s))


def mse(t: Totals, mcse: str) -> Value:
    """Mean squared error; MCSE sd((t - theta)^2) / sqrt(n)."""
    n, about, mean = t.of_error.n, t.of_error.about, t.of_error.means[0]
    square = about[2, 0]
    spread = about[4, 0] - ratio(square * square, n)
    spread = np.maximum(spread + 4.0 * mean * (about[3, 0] + mean * square), 0.0)
    return mean_of(ratio(square, n) + mean * mean, spread, n)


def rmse(t: Totals, mcse: str) -> Value:
    """Root of the mean squared error."""
    squared = mse(t, mcse)
    root = np.sqrt(squared.value)
    return plain(root, ratio(squared.mcse, 2.0 * root))


def model_se(t: Totals, mcse: str) -> Value:
    """Root mean square of the standard errors; MCSE sqrt(var(s^2) / (4 n ModSE^2))."""
    rows = t.with_se
    n = rows.n
    value = np.where(n > 0, np.sqrt(rows.means[1]), NAN)
    spread = ratio(rows.about[0, 2], n - 1)
    return plain(value, ratio(np.sqrt(ratio(spread, 4 * n)), value))


def mean_se(t: Totals, mcse: str) -> Value:
    """Mean of the standard errors; MCSE sd / sqrt(n)."""
    return mean_of(t.of_se.means[0], t.of_se.about[2,], t.of_se.n)


def relative_error_model_se(t: Totals, mcse: str) -> Value:
    """100 (ModSE / EmpSE - 1), the "SE bias" in percent.

    The robust MCSE linearises the ratio of the totals of s_i^2 and (t_i - tbar)^2.
    """
    rows = t.with_se
    n, about, variance = rows.n, rows.about, rows.means[1]
    s2 = ratio(about[2, 0], n - 1)
    root = np.sqrt(ratio(np.where(variance > 0, variance, NAN), s2))
    value = 100.0 * (root - 1.0)
    if mcse == "normal":
        of_model = ratio(ratio(about[0, 2], n - 1), 4 * n * variance**2)
        return plain(value, 100.0 * root * np.sqrt(of_model + ratio(0.5, n - 1)))
    total_v, total_e = n * variance, about[2, 0]
    r = ratio(total_v, total_e)
    # sum (v_i - r e_i)^2 over e_i = (t_i - tbar)^2; its mean is 0 by construction
    vv = about[0, 2] + n * variance**2
    ve = about[2, 1] + variance * total_e
    residual = np.maximum(vv - 2.0 * r * ve + r * r * about[4, 0], 0.0)
    relative = ratio(np.sqrt(residual * ratio(n, n - 1)), total_v)
    return plain(value, 100.0 * root * relative / 2.0)


SIMPLE: dict[str, Callable[[Totals, str], Value]] = {
    "bias": bias,
    "empirical_se": empirical_se,
    "mse": mse,
    "rmse": rmse,
    "model_se": model_se,
    "mean_se": mean_se,
    "relative_error_model_se": relative_error_model_se,
}
_WITH_SE = ("model_se", "mean_se", "relative_error_model_se")  # of rows that have one
# by the beginning of their names: what there is of an estimate with a standard error or a test
WITH_A_TEST = (
    "model_se", "mean_se", "relative_error_model_se", "coverage", "bias_eliminated_coverage",
    "mean_ci_width", "rejection_rate", "type1_", "difference_coverage",
    "difference_rejection_rate",
)  # fmt: skip
SHARES = tuple(f"share_{status}" for status in STATUSES if status != "ok")
BOUNDS = ("rejection_rate_lower_bound", "rejection_rate_upper_bound")
PROPORTIONS = ("coverage", "bias_eliminated_coverage", "rejection_rate", *BOUNDS, *SHARES)
MEASURES = (
    "bias", "relative_bias", *list(SIMPLE)[1:],
    "coverage", "bias_eliminated_coverage", "mean_ci_width",
    "rejection_rate", *BOUNDS, "type1_inflation", *PARTS, *paired.MEASURES, *SHARES, *ON_REQUEST,
)  # fmt: skip


def finish(
    totals: Totals,
    alphas: tuple[float, ...],
    truth: Floats | float,
    mcse: str = "robust",
    eliminated: Ints | None = None,
    pairs: tuple[Pairs, Bools] | None = None,
    null_value: Floats | float = 0.0,
) -> list[Column]:
    """All measures of every group, in the order of a summary.

    Parameters
    ----------
    totals : Totals
        A row a group.
    alphas : tuple of float
        As given when the totals were made.
    truth : array, shape (K,), or float
        True values, NaN where they vary; the relative bias exists where they are not 0.
    mcse : {"robust", "normal"}
    eliminated : array of int, shape (K, A), optional
        Intervals that hold the mean estimate; without it bias-eliminated coverage has no row.
    pairs : (Pairs, array of bool of shape (K,)), optional
        Totals against the reference method, and which groups have them.
    null_value : array, shape (K,), or float
        What is said of a Type I error exists where it is the truth only.
    """
    level = np.broadcast_to(np.asarray(truth, dtype=float), totals.n_all.shape)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        found = [
            *_of_estimates(totals, level, mcse),
            *_of_intervals(totals, alphas, eliminated),
            *_of_tests(totals, alphas, np.asarray(is_null(level, null_value))),
        ]
        if pairs is not None:
            found += paired.finish(pairs[0], alphas, totals.n_all, pairs[1])
        n = totals.n_all
        for k, status in enumerate(STATUSES):
            if status != "ok":
                share = proportion(totals.by_status[:, k], n)
                found.append(Column(f"share_{status}", NAN, share, n, n - n, n >= 0))
    return found


_OF_INTERVALS = ("coverage", "bias_eliminated_coverage", "mean_ci_width", "difference_coverage")


def at_first_level(
    found: list[Column], alphas: tuple[float, ...], limits: Bools, of_pairs: Bools
) -> list[Column]:
    """Without what intervals at other levels would be: limits that were given are of the first.

    Parameters
    ----------
    limits, of_pairs : arrays of bool, shape (K,)
        Groups whose intervals were given, and those that are compared with such a group or are
        one.
    """
    out = []
    for one in found:
        if one.measure in _OF_INTERVALS and one.alpha != alphas[0]:
            given = of_pairs if one.measure in paired.MEASURES else limits
            one = one._replace(defined=one.defined & ~given)
        out.append(one)
    return out


def _there(totals: Totals, n: Ints) -> Bools:
    """Groups with a row of a measure of n replications: not where p-values are all there is."""
    return np.asarray((totals.n_used == 0) | (n > 0))


def _of_estimates(totals: Totals, truth: Floats, mcse: str) -> Iterator[Column]:
    for measure, function in SIMPLE.items():
        n = (totals.with_se if measure in _WITH_SE else totals.of_error).n
        there = _there(totals, n)
        yield Column(measure, NAN, function(totals, mcse), n, totals.n_all - n, there)
        if measure == "bias":
            relative = relative_bias(totals, truth)
            defined = there & (truth != 0) & ~(np.isnan(truth) & (n > 0) & np.isnan(relative.value))
            yield Column("relative_bias", NAN, relative, n, totals.n_all - n, defined)


def _of_intervals(
    totals: Totals, alphas: tuple[float, ...], eliminated: Ints | None
) -> Iterator[Column]:
    counts = {"coverage": totals.covered, "bias_eliminated_coverage": eliminated}
    n = totals.width.n
    for measure, count in counts.items():
        for k, alpha in enumerate(alphas if count is not None else ()):
            there = _there(totals, n[:, k])
            value = proportion(count[:, k], n[:, k])  # type: ignore[index]
            yield Column(measure, alpha, value, n[:, k], totals.n_all - n[:, k], there)
    for k, alpha in enumerate(alphas):
        (mean,), square, n_k = totals.width.means, totals.width.about[2,][:, k], n[:, k]
        width = mean_of(mean[:, k], square, n_k)
        there = _there(totals, n_k)
        yield Column("mean_ci_width", alpha, width, n_k, totals.n_all - n_k, there)


def _of_tests(totals: Totals, alphas: tuple[float, ...], null: Bools) -> Iterator[Column]:
    n, n_all, hits = totals.n_used, totals.n_all, totals.rejected
    every = n_all >= 0
    for k, alpha in enumerate(alphas):
        rate = proportion(hits[:, k], n)
        yield Column("rejection_rate", alpha, rate, n, n_all - n, every)
        for bound, count in zip(BOUNDS, (hits[:, k], hits[:, k] + n_all - n), strict=True):
            yield Column(bound, alpha, proportion(count, n_all), n_all, n_all - n_all, every)
        inflation = Value(*(v / alpha for v in rate))
        yield Column("type1_inflation", alpha, inflation, n, n_all - n, null)
        n_se = totals.with_se.n
        there = null & _there(totals, n_se)
        for part, value in zip(PARTS, decompose(totals, k, alpha), strict=True):
            yield Column(part, alpha, value, n_se, n_all - n_se, there)
