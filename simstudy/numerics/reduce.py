"""Units to cluster moments."""

from __future__ import annotations

import numpy as np

from simstudy.moments import Clusters, Factor, Floats, Units
from simstudy.numerics.batches import reps_of
from simstudy.numerics.elimination import divide
from simstudy.numerics.segments import Segments


def reduce(rows: Units) -> Clusters:
    """Reduce units to the moments of their clusters.

    Whether x is constant in a cluster is decided on the doubles themselves; then its
    cross-products are exactly 0 and its mean is that value. In a cluster without units all is 0.
    """
    cells = Segments(rows.sizes, reps_of(rows))
    held = np.maximum(rows.sizes, 1)  # nothing over 1 where there are none
    flat = [cells.constant(x) for x in rows.columns[:-1]]
    means, left = zip(*(_centre(values, held, cells) for values in rows.columns), strict=True)
    *of_x, of_y = means
    of_x = [
        np.where(constant, cells.first(x), mean)
        for constant, x, mean in zip(flat, rows.columns, of_x, strict=False)
    ]
    triangle = []
    for k, (constant, x) in enumerate(zip(flat, left, strict=False)):
        xx = np.where(constant, 0.0, cells.dot(x, x))
        root, along = np.sqrt(xx), []
        for other in left[k + 1 :]:
            along.append(divide(np.where(constant, 0.0, cells.dot(x, other)), xx))
            other -= cells.spread(along[-1]) * x
        triangle.append((root, *(root * slope for slope in along)))
    y = left[-1]
    within = Factor((*triangle, (np.sqrt(cells.dot(y, y)),)))
    return Clusters(
        rows.sizes, (*of_x, of_y), within, rows.names, clusters_per_group=rows.clusters_per_group
    )


def _centre(values: Floats, sizes: np.ndarray, cells: Segments) -> tuple[Floats, Floats]:
    """Mean and centred values; the second pass takes out what rounding left in the first."""
    mean = cells.sum(values) / sizes
    centred = values - cells.spread(mean)
    left = cells.sum(centred) / sizes
    centred -= cells.spread(left)
    return mean + left, centred
