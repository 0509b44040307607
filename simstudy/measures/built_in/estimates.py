"""Measures of the estimates alone."""

from __future__ import annotations

import numpy as np

from simstudy.measures.record import ESTIMATED, Cells, Section, measure
from simstudy.measures.values import NAN, Value, mean_of, plain, ratio
from simstudy.moments import Bools, Ints


@measure(
    Section.ESTIMATES, ESTIMATED, "Bias",
    words="Bias", formula=r"$\bar t-\theta$", mcse=r"$s/\sqrt n$", brief=True,
)  # fmt: skip
def bias(cells: Cells) -> Value:
    """Mean of estimate minus truth; MCSE s / sqrt(n)."""
    errors = cells.totals.of_error
    return mean_of(errors.means[0], errors.about[2, 0], errors.n)


def _has_truth(cells: Cells, value: Value, n: Ints) -> Bools:
    level = cells.level
    return np.asarray((level != 0) & ~(np.isnan(level) & (n > 0) & np.isnan(value.value)))


@measure(
    Section.ESTIMATES, ESTIMATED, "Relative bias",
    words="Relative bias", formula=r"$(\bar t-\theta)/\theta$",
    mcse=r"$s/(\lvert\theta\rvert\sqrt n)$", defined=_has_truth,
    synonyms=("rel_bias", "rbias", "percent_bias", "pbias", "relbias"),
)  # fmt: skip
def relative_bias(cells: Cells) -> Value:
    """Bias over the truth, or the mean error over its own truth; undefined where one is 0."""
    truth, relative, absolute = cells.level, cells.totals.relative, bias(cells)
    size = np.where(truth == 0, NAN, truth)
    of_one = plain(absolute.value / size, absolute.mcse / np.abs(size))
    each = mean_of(relative.means[0], relative.about[2,], relative.n)
    return Value(*(np.where(np.isnan(truth), a, b) for a, b in zip(each, of_one, strict=True)))


@measure(
    Section.ESTIMATES, ESTIMATED, "Empirical SE",
    words="Empirical standard error", formula="$s$",
    mcse=r"$\sqrt{\frac1n\sum\{(t_i-\bar t)^2-s^2\}^2\,/\,n}\,/\,(2s)$", brief=True,
    synonyms=("emp_se", "empse", "sd", "empirical_sd", "sampling_sd", "sd_estimates", "ese",
              "monte_carlo_sd"),
)  # fmt: skip
def empirical_se(cells: Cells) -> Value:
    """SD of the estimates, be the truth the same for all of them or not."""
    n, about = cells.totals.of_estimate.n, cells.totals.of_estimate.about
    s2 = ratio(about[2, 0], n - 1)
    s = np.where(s2 > 0, np.sqrt(s2), NAN)
    if cells.mcse == "normal":
        return plain(s, s / np.sqrt(2.0 * np.maximum(n - 1, 1)))
    fourth = about[4, 0] - 2.0 * s2 * about[2, 0] + n * s2 * s2
    return plain(s, np.sqrt(np.maximum(fourth, 0.0)) / np.maximum(n, 1) / (2.0 * s))


@measure(
    Section.ESTIMATES, ESTIMATED, "Mean squared error",
    words="Mean squared error", formula=r"$\frac1n\sum(t_i-\theta)^2$",
    mcse=r"standard deviation of $(t_i-\theta)^2$ over $\sqrt n$",
    synonyms=("mean_squared_error", "meansquarederror"),
)  # fmt: skip
def mse(cells: Cells) -> Value:
    """Mean squared error; MCSE sd((t - theta)^2) / sqrt(n)."""
    errors = cells.totals.of_error
    n, about, mean = errors.n, errors.about, errors.means[0]
    square = about[2, 0]
    spread = about[4, 0] - ratio(square * square, n)
    spread = np.maximum(spread + 4.0 * mean * (about[3, 0] + mean * square), 0.0)
    return mean_of(ratio(square, n) + mean * mean, spread, n)


@measure(
    Section.ESTIMATES, ESTIMATED, "Root mean squared error",
    words="Root mean squared error", formula=r"$\sqrt{\mathrm{MSE}}$",
    mcse=r"that of the mean squared error over $2\,\mathrm{RMSE}$",
    synonyms=("root_mse", "root_mean_squared_error"),
)  # fmt: skip
def rmse(cells: Cells) -> Value:
    """Root of the mean squared error."""
    squared = mse(cells)
    root = np.sqrt(squared.value)
    return plain(root, ratio(squared.mcse, 2.0 * root))
