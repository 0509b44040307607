"""Power against any factor."""

from __future__ import annotations

import pyarrow as pa
from matplotlib.figure import Figure

from simstudy.measures.bradley import BAND
from simstudy.report.drawing.against import against
from simstudy.report.drawing.matrix import matrix
from simstudy.report.drawing.plot import plot
from simstudy.report.drawing.scale import power, rate_text
from simstudy.report.drawing.view import USUAL, View


@plot(
    "rejection rate where the null is false; hollow where the size is inflated",
    reads="summary",
    title="power",
    takes=("x", "panels", "target", "categories"),
    place=3,
    usual="false_null",
    facets=True,
)
def draw(
    summary: pa.Table, title: str = "", alpha: float | None = None, view: View = USUAL
) -> Figure:
    """Rejection rate where the null is false; hollow where the test's size is inflated.

    Inflated: in the same design with a true null, the whole Wilson interval of the rejection
    rate is above Bradley's liberal bound, 1.5 alpha.

    Parameters: as for `type1_error`.
    """
    rates = matrix(summary, "rejection_rate", alpha, view)
    bound = rate_text(BAND[1] * rates.alpha) if rates.levels else ""
    powers = rates.kind(null=False)
    when = powers.table.null
    hollow, known = powers.cells["inflated"], powers.cells["sized"][powers.has_row]
    notes = []
    if hollow.any():
        notes = [f"Hollow: in the same design where {when} the Type I error is above {bound}"
                 " (whole Monte Carlo interval), so this is no fair power"]  # fmt: skip
    elif known.all() and known.size:
        notes = [f"No method has a Type I error above {bound} in the same design where {when}"]
    if not known.all():
        designs = "some of these designs" if known.any() else "these designs"
        notes.append(f"No scenario where {when} in {designs}: size is not known there")
    return against(powers, power(view.words), title, hollow, notes, view)
