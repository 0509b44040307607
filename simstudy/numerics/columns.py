"""Which columns of moments are in a model, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from simstudy.moments import Factor, Floats, Moments, Pooled
from simstudy.numerics.elimination import Column, divide
from simstudy.numerics.shared import shared


def with_last(moments: Moments, x: str, omit: Sequence[str] = ()) -> Moments:
    """Moments of a model whose predictor under test is `x`.

    Parameters
    ----------
    moments : Pooled or Clusters
    x : str
        Predictor under test.
    omit : sequence of str
        Predictors that are not in the model.

    Returns
    -------
    Pooled or Clusters
        The same where nothing changes.
    """
    others = tuple(name for name in moments.names[:-1] if name != x and name not in omit)
    return selected(moments, (*others, x, moments.names[-1]))


def selected(moments: Moments, names: tuple[str, ...]) -> Moments:
    """Moments of some columns, in this order; the last is y."""
    return moments if names == moments.names else _selected(moments, names)


@shared
def _selected(moments: Moments, names: tuple[str, ...]) -> Moments:
    places = [moments.names.index(name) for name in names]
    within = triangle([moments.within.column(k) for k in places])
    if isinstance(moments, Pooled):
        between = triangle([moments.between.column(k) for k in places])
        return replace(moments, within=within, between=between, names=names)
    means = tuple(moments.means[k] for k in places)
    origin = tuple(moments.point[k] for k in places)
    return replace(
        moments, within=within, means=means, names=names, origin=origin, slope_of=moments.main
    )


def triangle(columns: Sequence[Column]) -> Factor:
    """The triangle with the cross-products of some columns of one with rows, in their order.

    By plane rotations (Golub & Van Loan 5.1.8), which keep what is zero zero: a column that does
    not vary stays exactly so.

    Parameters
    ----------
    columns : sequence of sequences of arrays
        Entries of each, from the first row down; those that it lacks at its end are 0.
    """
    shape = np.broadcast_shapes(*(entry.shape for column in columns for entry in column))
    height = max(map(len, columns))
    left = [[*column, *(np.zeros(shape) for _ in range(height - len(column)))]
            for column in columns]  # fmt: skip
    for k, column in enumerate(left):
        for i in range(height - 1, k, -1):
            _rotate(left[k:], k, i, column[i])
    for k, column in enumerate(left):
        if np.any(empty := column[k] == 0):
            for m in range(k + 1, len(left)):  # what stands beside no length belongs below
                _rotate(left[m:], m, k, np.where(empty, left[m][k], 0.0))
    rows = [
        tuple(column[k] * np.where(left[k][k] < 0, -1.0, 1.0) for column in left[k:])
        for k in range(len(left))
    ]
    return Factor(tuple(rows))


def _rotate(columns: Sequence[list[Floats]], upper: int, lower: int, second: Floats) -> None:
    """Bring the lower entry of the first column to 0, in all columns, where it is `second`."""
    if not np.any(second):
        return
    first = columns[0][upper]
    length = np.hypot(first, second)
    turned = second != 0
    cosine = np.where(turned, divide(first, length), 1.0)
    sine = divide(second, length)
    for column in columns:
        above, below = column[upper], column[lower]
        column[upper] = cosine * above + sine * below
        column[lower] = cosine * below - sine * above
    columns[0][lower] = np.where(turned, 0.0, columns[0][lower])
