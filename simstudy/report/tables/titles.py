"""What tables call a measure, and how many decimals it likes."""

from __future__ import annotations

import math
from typing import NamedTuple

from simstudy.report.wide import Wide, cells_of


class Style(NamedTuple):
    """Title of a measure, its usual decimals, and whether ``.05`` or ``0.05`` is written."""

    title: str
    decimals: int = 3
    leading_zero: bool = True


STYLES = {
    "bias": Style("Bias"),
    "relative_bias": Style("Relative bias"),
    "empirical_se": Style("Empirical SE"),
    "median_bias": Style("Median bias"),
    "mean_absolute_error": Style("Mean absolute error"),
    "mse": Style("Mean squared error"),
    "rmse": Style("Root mean squared error"),
    "model_se": Style("Model SE"),
    "mean_se": Style("Mean SE"),
    "relative_error_model_se": Style("SE bias, %", 1),
    "coverage": Style("Coverage", leading_zero=False),
    "bias_eliminated_coverage": Style("Bias-eliminated coverage", leading_zero=False),
    "mean_ci_width": Style("Mean width of intervals"),
    "rejection_rate": Style("Rejection rate", leading_zero=False),
    "type1_inflation": Style("Type I error inflation", 2),
    "rejection_rate_lower_bound": Style("Rejection rate, if unused ones accept", 3, False),
    "rejection_rate_upper_bound": Style("Rejection rate, if unused ones reject", 3, False),
    "type1_error_from_bias": Style("Type I error due to bias"),
    "type1_error_from_se": Style("Type I error due to the SE"),
    "type1_error_remainder": Style("Type I error due to the reference distribution"),
    "difference_bias": Style("Difference in bias from the reference"),
    "difference_coverage": Style("Difference in coverage from the reference"),
    "difference_rejection_rate": Style("Difference in rejection rate from the reference"),
    "relative_precision": Style("Relative precision, %", 1),
    "share_boundary": Style("Share at the boundary", leading_zero=False),
    "share_no_std_error": Style("Share without standard error", leading_zero=False),
}


def style(measure: str) -> Style:
    """How a measure is shown; an unknown name is its own title."""
    words = measure.replace("_", " ").strip() or measure
    plain = Style(words[:1].upper() + words[1:], leading_zero=not measure.startswith("share_"))
    return STYLES.get(measure, plain)


def title(table: Wide, *, brief: bool = False) -> str:
    """Heading of a table: measure, what kind of rejection, level."""
    name = style(table.measure).title
    if math.isnan(table.alpha):
        return name
    if table.measure == "rejection_rate" and not brief:
        name += _kind({cell.aim.null for cell in cells_of(table)}, table.null)
    if table.measure == "coverage" and not brief:
        name += f" (nominal {1 - table.alpha:g})"
    return f"{name} at alpha {table.alpha:g}"


def _kind(nulls: set[bool | None], null: str) -> str:
    if nulls == {True}:
        return " (Type I error)"
    if nulls == {False}:
        return " (power)"
    return f" (Type I error where {null}, else power)" if nulls == {True, False} else ""
