"""Rows to cluster moments."""

from __future__ import annotations

import numpy as np

from simstudy.moments import Clusters, Factor, Floats, Rows
from simstudy.numerics.batches import reps_of
from simstudy.numerics.gram import divide
from simstudy.numerics.segments import Segments


def reduce(rows: Rows) -> Clusters:
    """Reduce units to the moments of their clusters.

    Whether x is constant in a cluster is decided on the doubles themselves; then its
    cross-products are exactly 0 and its mean is that value.
    """
    cells = Segments(rows.sizes, reps_of(rows))
    flat = cells.constant(rows.x)
    mean_x, x = _centre(rows.x, rows.sizes, cells)
    mean_y, y = _centre(rows.y, rows.sizes, cells)
    mean_x = np.where(flat, cells.first(rows.x), mean_x)
    xx = np.where(flat, 0.0, cells.dot(x, x))
    slope = divide(np.where(flat, 0.0, cells.dot(x, y)), xx)
    y -= cells.spread(slope) * x
    root = np.sqrt(xx)
    within = Factor(root, root * slope, np.sqrt(cells.dot(y, y)))
    return Clusters(rows.sizes, mean_x, mean_y, within)


def _centre(values: Floats, sizes: np.ndarray, cells: Segments) -> tuple[Floats, Floats]:
    """Mean and centred values; the second pass takes out what rounding left in the first."""
    mean = cells.sum(values) / sizes
    centred = values - cells.spread(mean)
    left = cells.sum(centred) / sizes
    centred -= cells.spread(left)
    return mean + left, centred
