"""Which columns of moments are in a model, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from simstudy.moments import Factor, Floats, Moments, Pooled
from simstudy.numerics.elimination import divide
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
    within = _triangle(moments.within, places)
    if isinstance(moments, Pooled):
        between = _triangle(moments.between, places)
        return replace(moments, within=within, between=between, names=names)
    means = tuple(moments.means[k] for k in places)
    origin = tuple(moments.point[k] for k in places)
    return replace(moments, within=within, means=means, names=names, origin=origin)


def _triangle(factor: Factor, places: Sequence[int]) -> Factor:
    """The triangle of some columns of a triangle, by plane rotations (Golub & Van Loan 5.1.8).

    Rotations keep what is zero zero: a column that does not vary stays exactly so.
    """
    shape = np.broadcast_shapes(*(entry.shape for row in factor.rows for entry in row))
    height = len(factor.rows)
    entries = [list(factor.column(k)) for k in places]
    columns = [column + [np.zeros(shape)] * (height - len(column)) for column in entries]
    for k in range(len(columns)):
        for i in range(height - 1, k, -1):
            _rotate(columns[k:], k, i)
    rows = [
        tuple(column[k] * np.where(columns[k][k] < 0, -1.0, 1.0) for column in columns[k:])
        for k in range(len(columns))
    ]
    return Factor(tuple(rows))


def _rotate(columns: Sequence[list[Floats]], upper: int, lower: int) -> None:
    """Bring the lower entry of the first column to 0, in all columns."""
    first, second = columns[0][upper], columns[0][lower]
    length = np.hypot(first, second)
    cosine = np.where(length == 0, 1.0, divide(first, length))
    sine = divide(second, length)
    for column in columns:
        above, below = column[upper], column[lower]
        column[upper] = cosine * above + sine * below
        column[lower] = cosine * below - sine * above
    columns[0][lower] = np.zeros_like(length)
