"""What lines of known slopes leave of y."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from simstudy.moments import Clusters, Factor, Floats, Units
from simstudy.numerics.batches import reps_of
from simstudy.numerics.segments import Segments


def without_line(data: Clusters | Units, slopes: Sequence[Floats | float]) -> Clusters | Units:
    """The same data with y less multiples of the other columns.

    Parameters
    ----------
    data : Clusters or Units
    slopes : sequence of numbers, or arrays of shape (R,)
        One a column but y.
    """
    if isinstance(data, Units):
        cells = Segments(data.sizes, reps_of(data))
        y = data.y
        for slope, column in zip(slopes, data.columns, strict=False):
            y = y - cells.spread(np.broadcast_to(slope, cells.cells)) * column
        return replace(data, columns=(*data.columns[:-1], y))
    mean, last = data.mean_y, list(data.within.column(-1))
    for k, slope in enumerate(slopes):
        mean = mean - slope * data.means[k]
        for i, entry in enumerate(data.within.column(k)):
            last[i] = last[i] - slope * entry
    whole = zip(data.within.rows, last, strict=True)
    within = Factor(tuple((*of_row[:-1], entry) for of_row, entry in whole))
    return replace(data, means=(*data.means[:-1], mean), within=within)
