"""Orthonormal directions of columns that lie over clusters or units.

E = Q T' as in refinement: keep the coarse T, take Q from a fresh draw, column after column.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from simstudy.moments import Factor, Floats, Ints, products
from simstudy.numerics.elimination import Column, divide
from simstudy.numerics.gram import dot
from simstudy.numerics.segments import Segments


@dataclass(frozen=True, slots=True)
class Space:
    """Where columns live.

    Attributes
    ----------
    dot : callable
        Two columns -> the sums of their products.
    spread : callable
        Such a sum, as it multiplies the entries of a column.
    centre : callable
        An entry about its mean, where columns are to be orthogonal to 1.
    """

    dot: Callable[[Column, Column], Floats]
    spread: Callable[[Floats], Floats] = lambda sums: sums
    centre: Callable[[Floats], Floats] = lambda entry: entry


def _summed(first: Column, second: Column) -> Floats:
    terms = [dot(one, other) for one, other in zip(first, second, strict=False)]
    return np.asarray(sum(terms[1:], terms[0]))


IN_CLUSTERS = Space(products)
OVER_CLUSTERS = Space(_summed)
OF_MEANS = Space(_summed, centre=lambda entry: entry - entry.sum(axis=0) / len(entry))


def over_units(cells: Segments, sizes: Ints) -> Space:
    """Columns of one array of units, whose sums and means are those of their cluster."""
    held = np.maximum(sizes, 1)
    return Space(
        lambda first, second: cells.dot(first[0], second[0]),
        cells.spread,
        lambda entry: entry - cells.spread(cells.sum(entry) / held),
    )


def directions(columns: Sequence[Column], exists: Sequence[Floats], space: Space) -> list[Column]:
    """What each column has beside the ones before it, of length 1; 0 where that does not exist.

    Parameters
    ----------
    columns : sequence of sequences of arrays
        Each with at least the entries of the ones before it.
    exists : sequence of arrays
        Positive where a column has a direction of its own: rank is a matter of whole numbers.
    """
    frame: list[Column] = []
    for column, there in zip(columns, exists, strict=True):
        left = list(column)
        for _ in range(2):  # twice is enough
            left = [space.centre(entry) for entry in left]
            for before in frame:
                _subtract(left, before, space.spread(space.dot(before, left)))
        length = np.sqrt(space.dot(left, left))
        inverse = space.spread(np.where(there > 0, divide(np.ones_like(length), length), 0.0))
        frame.append([entry * inverse for entry in left])
    return frame


def _subtract(column: list[Floats], other: Column, multiple: Floats) -> None:
    for i, entry in enumerate(other):
        column[i] = column[i] - multiple * entry


def placed(factor: Factor, k: int, frame: Sequence[Column], space: Space) -> list[Floats]:
    """Column k of a triangle along these directions."""
    return combined([space.spread(entry) for entry in factor.column(k)], frame)


def combined(multiples: Sequence[Floats | float], columns: Sequence[Column]) -> list[Floats]:
    """Sum of multiples of columns, as long as the longest."""
    total: list[Floats] = []
    for multiple, column in zip(multiples, columns, strict=True):
        for i, entry in enumerate(column):
            term = multiple * entry
            if i < len(total):
                total[i] = total[i] + term
            else:
                total.append(np.asarray(term))
    return total


def pivots(factor: Factor) -> list[Floats]:
    """The diagonal of a triangle."""
    return [row[0] for row in factor.rows]
