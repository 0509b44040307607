"""Relative error of the model SE against any factor."""

from __future__ import annotations

import pyarrow as pa
from matplotlib.figure import Figure

from simstudy.report.drawing.against import against
from simstudy.report.drawing.matrix import matrix
from simstudy.report.drawing.plot import plot
from simstudy.report.drawing.scale import se_bias
from simstudy.report.drawing.view import USUAL, View


@plot(
    "relative error of the model SE, against a factor, in facets",
    reads="summary",
    title="relative_error_model_se",
    takes=("x", "panels", "categories"),
    place=2,
    usual="tests",
    facets=True,
    synonyms=("se_error", "relative_error_model_se", "standard_error", "se_ratio", "model_se"),
)
def draw(
    summary: pa.Table, title: str = "", alpha: float | None = None, view: View = USUAL
) -> Figure:
    """Relative error of the model SE against a factor, on an axis of ratios.

    Parameters: as for `type1_error`; alpha is not needed.
    """
    errors = matrix(summary, "relative_error_model_se", view=view)
    return against(errors, se_bias(view.words), title, view=view)
