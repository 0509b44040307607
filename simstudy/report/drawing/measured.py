"""Any measure of a summary, with the axis that is right for it."""

from __future__ import annotations

import pyarrow as pa

from simstudy.measures.names import REJECTION, of_name
from simstudy.report.drawing.matrix import Matrix, matrix
from simstudy.report.drawing.scale import Scale, error_rate, plain, power, se_bias
from simstudy.report.drawing.view import View


def measured(summary: pa.Table, view: View, alpha: float | None = None) -> tuple[Matrix, Scale]:
    """The measure that a view asks for, and its axis.

    Default: Type I errors, or where there are none the rejection rates.
    """
    one = of_name(view.measure or REJECTION)
    found = matrix(summary, one.measure, alpha, view)
    if one.measure == REJECTION:
        null = one.null
        if null is None:
            null = True if (found.cells["null"] == 1).any() else None
        shown = found if null is None else found.kind(null=null)
        if null is False:
            return shown, power(view.words)
        return shown, error_rate(shown.level, null=bool(null), words=view.words)
    if one.measure == "relative_error_model_se":
        return found, se_bias(view.words)
    return found, plain(one.measure, found.level, view.words)
