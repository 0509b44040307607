"""Measures of confidence intervals."""

from __future__ import annotations

from simstudy.measures.record import RATE, WITH_INTERVAL, Cells, Section, measure
from simstudy.measures.values import Value, mean_of, proportion


@measure(
    Section.INTERVALS, WITH_INTERVAL, "Coverage",
    words=r"Coverage of the $1-\alpha$ confidence interval",
    formula=r"share of intervals that contain $\theta$", mcse=RATE,
    per_alpha=True, proportion=True, brief=True,
    synonyms=("cover", "cov", "coverage_probability", "coverage_rate", "ci_coverage", "covers"),
)  # fmt: skip
def coverage(cells: Cells, k: int) -> Value:
    """Share of intervals that hold the truth."""
    return proportion(cells.totals.covered[:, k], cells.totals.width.n[:, k])


@measure(
    Section.INTERVALS, WITH_INTERVAL, "Bias-eliminated coverage",
    words="Bias-eliminated coverage", formula=r"share of intervals that contain $\bar t$",
    mcse=RATE, per_alpha=True, proportion=True, more_needs=frozenset({"mean"}),
    synonyms=("becover", "be_coverage", "bias_corrected_coverage"),
)  # fmt: skip
def bias_eliminated_coverage(cells: Cells, k: int) -> Value:
    """Share of intervals that hold the mean estimate."""
    assert cells.eliminated is not None
    return proportion(cells.eliminated[:, k], cells.totals.width.n[:, k])


@measure(
    Section.INTERVALS, WITH_INTERVAL, "Mean width of intervals",
    words="Mean width of confidence intervals", formula="mean of the widths",
    mcse=r"standard deviation of the widths over $\sqrt n$", per_alpha=True,
    synonyms=("ci_width", "width", "ci_length", "interval_width", "ciwidth"),
)  # fmt: skip
def mean_ci_width(cells: Cells, k: int) -> Value:
    """Mean width; MCSE sd / sqrt(n)."""
    width = cells.totals.width
    return mean_of(width.means[0][:, k], width.about[2,][:, k], width.n[:, k])
