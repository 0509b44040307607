"""Small symmetric matrices, one for every cluster or replication, held as upper triangles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simstudy.moments import Floats

Triangle = tuple[tuple[Floats, ...], ...]  # row a holds the elements a, a + 1, ...
_SWEEPS = 30  # of rotations; about five are needed
_NEGLIGIBLE = 1e-17  # an element relative to its diagonal ones


def square(triangle: Triangle) -> list[list[Floats]]:
    """All elements, row by row."""
    n = range(len(triangle))
    return [[triangle[min(a, b)][abs(a - b)] for b in n] for a in n]


def quadratic(triangle: Triangle, z: Sequence[Floats]) -> Floats:
    """Z' M z."""
    value = None
    for a, row in enumerate(triangle):
        for b, element in enumerate(row, a):
            weight = z[a] * z[a] if a == b else 2.0 * z[a] * z[b]
            value = weight * element if value is None else value + weight * element
    return np.asarray(value)


def eigen(triangle: Triangle) -> tuple[list[Floats], list[list[Floats]]]:
    """Eigenvalues and eigenvectors by cyclic Jacobi rotations (Golub & Van Loan 2013, 8.5).

    Not by LAPACK, whose last digits are those of a machine's library: stored rows rest on
    these. Elements that are negligible are rotated by exactly nothing, so a matrix has the
    same bits in whatever company.

    Returns
    -------
    values : list of arrays
    vectors : list of lists of arrays
        [i][k]: element i of vector k.
    """
    m = square(triangle)
    n = len(m)
    shape = np.broadcast_shapes(*(element.shape for row in triangle for element in row))
    m = [[np.broadcast_to(element, shape) for element in row] for row in m]
    vectors = [[np.full(shape, float(a == b)) for b in range(n)] for a in range(n)]
    for _ in range(_SWEEPS):
        still = [_rotate(m, vectors, a, b) for a in range(n) for b in range(a + 1, n)]
        if all(still):
            break
    return [m[a][a] for a in range(n)], vectors


def _rotate(m: list[list[Floats]], vectors: list[list[Floats]], a: int, b: int) -> bool:
    """Bring the elements (a, b) of the matrices to 0; whether all were negligible."""
    off = m[a][b]
    size = np.sqrt(np.abs(m[a][a] * m[b][b]))
    small = np.abs(off) <= _NEGLIGIBLE * np.where(size > 0, size, np.abs(m[a][a]) + np.abs(m[b][b]))
    if small.all():
        return True
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        theta = (m[b][b] - m[a][a]) / (2.0 * off)
        sign = np.where(theta < 0, -1.0, 1.0)
        tangent = np.where(small, 0.0, sign / (np.abs(theta) + np.hypot(theta, 1.0)))
    cosine = 1.0 / np.sqrt(tangent * tangent + 1.0)
    sine = tangent * cosine
    m[a][a], m[b][b] = m[a][a] - tangent * off, m[b][b] + tangent * off
    m[a][b] = m[b][a] = np.where(small, off, 0.0)
    for k in range(len(m)):
        if k not in (a, b):
            first, second = m[k][a], m[k][b]
            m[k][a] = m[a][k] = cosine * first - sine * second
            m[k][b] = m[b][k] = sine * first + cosine * second
        first, second = vectors[k][a], vectors[k][b]
        vectors[k][a] = cosine * first - sine * second
        vectors[k][b] = sine * first + cosine * second
    return False
