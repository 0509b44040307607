"""Type I error against any factor."""

from __future__ import annotations

import pyarrow as pa
from matplotlib.figure import Figure

from simstudy.report.drawing.against import against
from simstudy.report.drawing.matrix import matrix
from simstudy.report.drawing.plot import plot
from simstudy.report.drawing.scale import error_rate
from simstudy.report.drawing.view import USUAL, View


@plot(
    "rejection rate where the null is true, against a factor, in facets",
    reads="summary",
    title="type1_error",
    takes=("x", "panels", "categories"),
    place=1,
    usual="true_null",
    facets=True,
    synonyms=("type1", "type_1_error", "type_i_error", "type1_errors", "size", "error_rate",
              "rejection_rate", "alpha", "false_positives"),
)  # fmt: skip
def draw(
    summary: pa.Table, title: str = "", alpha: float | None = None, view: View = USUAL
) -> Figure:
    """Type I error against a factor, in facets, with Bradley's band, theory where known.

    Parameters
    ----------
    summary : pyarrow.Table
        As in summary.parquet. Where the null is true anywhere, that alone is drawn.
    title : str
    alpha : float, optional
        Default: the study's first.
    view : View
        Default: icc along the axis, and x_icc side by side.
    """
    rates = matrix(summary, "rejection_rate", alpha, view)
    null = bool((rates.cells["null"] == 1).any())
    if null:
        rates = rates.kind(null=True)
    scale = error_rate(rates.level, null=null, words=view.words)
    return against(rates, scale, title, view=view)
