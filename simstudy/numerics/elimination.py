"""Columns made orthogonal to the ones before them: the one elimination behind every line.

Modified Gram-Schmidt by columns, in residual form: no sum of squares is ever the difference of
two larger ones (Chan, Golub & LeVeque 1983 give the reason; Bjorck 1996, Numerical Methods for
Least Squares Problems, section 2.4).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from simstudy.moments import Factor, Floats

Column = Sequence[Floats]
Product = Callable[[Column, Column], Floats]
Coefficients = tuple[tuple[Floats, ...], ...]


class Eliminated(NamedTuple):
    """What is left of columns, each without the ones before it.

    Attributes
    ----------
    squares : tuple of arrays, shape (R,)
        Sum of the squares of each.
    coefficients : tuple of tuples of arrays, shape (R,)
        [k][m] of column k + 1 + m on what was left of column k.
    columns : tuple of lists of arrays
        Their entries, as they came.
    """

    squares: tuple[Floats, ...]
    coefficients: Coefficients
    columns: tuple[list[Floats], ...]

    @property
    def factor(self) -> Factor:
        """The upper triangle with these cross-products."""
        rows = []
        for square, along in zip(self.squares, (*self.coefficients, ()), strict=True):
            root = np.sqrt(square)
            if along and root.shape != along[-1].shape:
                root = np.broadcast_to(root, along[-1].shape)
            rows.append((root, *(root * coefficient for coefficient in along)))
        return Factor(tuple(rows))


def divide(top: Floats, bottom: Floats) -> Floats:
    """Top / bottom, and 0 wherever bottom is 0."""
    bottom = np.asarray(bottom)
    zero = bottom == 0
    if not zero.any():
        return np.asarray(top / bottom)
    return np.where(zero, 0.0, top / np.where(zero, 1.0, bottom))


_COLLINEAR = 1e-14  # square of R's tolerance: what is left of a predictor's length, 1e-7


def eliminate(columns: Sequence[Column], product: Product) -> Eliminated:
    """Take from each column what the ones before it explain.

    Parameters
    ----------
    columns : sequence of sequences of arrays
        A column is given by its entries; those that it lacks at its end are 0. Nothing is left
        of one between the first and the last that the ones before it explain.
    product : callable
        (column, column) -> sum of their products, shape (R,).
    """
    left = [list(column) for column in columns]
    squares, coefficients = [], []
    for k, column in enumerate(left):
        square = product(column, column)
        if 0 < k < len(left) - 1:
            square = np.where(square <= _COLLINEAR * product(columns[k], columns[k]), 0.0, square)
        squares.append(square)
        along = []
        for other in left[k + 1 :]:
            along.append(divide(product(column, other), squares[k]))
            _subtract(other, column, along[-1])
        coefficients.append(tuple(along))
    return Eliminated(tuple(squares), tuple(coefficients[:-1]), tuple(left))


def swept(columns: Sequence[Column], coefficients: Coefficients) -> list[list[Floats]]:
    """What is left of other entries of the same columns by the same coefficients."""
    left = [list(column) for column in columns]
    for column, others, along in zip(left, range(1, len(left)), coefficients, strict=False):
        for other, coefficient in zip(left[others:], along, strict=True):
            _subtract(other, column, coefficient)
    return left


def coefficients_of(total: Factor) -> Coefficients:
    """Coefficients of columns with these cross-products; 0 along an empty one."""
    return tuple(tuple(divide(entry, row[0]) for entry in row[1:]) for row in total.rows[:-1])


def slopes(coefficients: Coefficients) -> tuple[Floats, ...]:
    """Coefficients of the last column on the others as they were, not on what was left of them."""
    found: list[Floats] = []
    for along in reversed(coefficients):
        slope = along[-1]
        for coefficient, later in zip(along[:-1], found, strict=True):
            slope = slope - coefficient * later
        found.insert(0, slope)
    return tuple(found)


def _subtract(column: list[Floats], other: Column, coefficient: Floats) -> None:
    """Take a multiple of another column from a column."""
    for i, entry in enumerate(other):
        multiple = coefficient * entry
        if multiple.ndim and multiple.size >= column[i].size:  # then nothing is broadcast by y
            column[i] = np.subtract(column[i], multiple, out=multiple)
        else:
            column[i] = column[i] - multiple
