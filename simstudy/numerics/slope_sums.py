"""Criterion of a random-slope model and its first and second derivatives.

With G = L L' the covariance of intercept and slope over sigma2 and R the triangle of (1, x_1) of
a cluster, its two upper rows have covariance I + R G R' = C C'. They are multiplied by the
inverse of C, and everything is one elimination of what comes out. Directions of G are
E_0 = e_0 e_0', E_1 = e_0 e_1' + e_1 e_0' and E_2 = e_1 e_1'. Of every cluster

    U_j = Z'Z (2 x 2)      Q_j = Z'Q (2 x (p + 1))      s_j = Z's (2 x 1)

are all that derivatives need: Z are the upper rows of (1, x_1) after that multiplication, Q those
of the orthonormal columns of X and s those of the residual of unit length.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simstudy.moments import Floats
from simstudy.numerics import gram
from simstudy.numerics.slope_lines import Columns, Lines, Triangle, orthonormalize

Root = tuple[Floats, Floats, Floats]  # L as (L_00, L_10, L_11), arrays of shape (R,)
Trio = tuple[Floats, Floats, Floats]  # a symmetric 2 x 2 as (00, 01, 11)
Table = list[list[Floats]]
DIRECTIONS = 3


class Point(NamedTuple):
    """Generalized least squares at one G."""

    z: tuple[Floats, Floats]  # columns 1 and x_1 of both upper rows, (2J, R) each
    columns: Columns  # orthonormal 1, x_1 .. x_p and residual of y
    triangle: Triangle  # of (1, x_1 .. x_p, y)
    log_det: Floats  # log |V|, sigma2 = 1, (R,)

    @property
    def rss(self) -> Floats:
        """Residual sum of squares, V^-1 between, shape (R,)."""
        last = self.triangle[-1][0]
        return last * last


class Sums(NamedTuple):
    """Sums over clusters of products of U_j, Q_j and s_j; arrays of shape (R,)."""

    u: list[Floats]  # tr(E_a U)
    p: list[Table]  # P_a = sum Q'E_a Q
    h: Table  # h_a = sum Q'E_a s
    r: list[Floats]  # sum s'E_a s
    uu: Table  # sum tr(E_a U E_b U)
    uq: Table  # sum tr(E_a U E_b QQ')
    us: Table  # sum tr(E_a U E_b ss')


class Slope(NamedTuple):
    """Derivatives of the criterion in G."""

    first: list[Floats]  # along E_a
    second: Table  # along E_a and E_b


def fit(data: Lines, root: Root) -> Point:
    """Fit y to the predictors by generalized least squares."""
    l00, l10, l11 = root
    j = data.n_clusters
    b00, b01 = data.root * l00 + data.mean * l10, data.mean * l11
    b10, b11 = data.inner * l10, data.inner * l11
    first = b00 * b00 + b01 * b01
    volume = data.area * (l00 * l11)
    extra = first + b10 * b10 + b11 * b11 + volume * volume
    first += 1.0
    log_det = gram.dot(np.log1p(extra))
    extra += 1.0
    i0 = 1.0 / np.sqrt(first)
    i1 = np.sqrt(first / extra)
    # C^-1 has the rows (i0, 0) and i1 (-turn i0, 1)
    turn = (b00 * b10 + b01 * b11) * i0

    def whitened(upper: Floats, lower: Floats | None, rows: int) -> Floats:
        out = np.empty((rows, data.n_reps))
        np.multiply(upper, i0, out=out[:j])
        rest = turn * out[:j]
        np.subtract(0.0 if lower is None else lower, rest, out=rest)
        np.multiply(rest, i1, out=out[j : 2 * j])
        return out

    columns = [whitened(data.root, None, 2 * j), whitened(data.mean, data.inner, 2 * j)]
    z = columns[0].copy(), columns[1].copy()
    for column in data.others:
        new = whitened(column[:j], column[j : 2 * j], column.shape[0])
        new[2 * j :] = column[2 * j :]
        columns.append(new)
    return Point(z, columns, orthonormalize(columns), log_det)


def criterion(data: Lines, at: Point, reml: bool) -> Floats:
    """-2 log L, sigma2 profiled out, constants included (x_1 in its unit), shape (R,)."""
    nu = data.nu(reml)
    value = at.log_det + nu * (1.0 + np.log(2.0 * np.pi * at.rss / nu))
    if reml:
        for row in at.triangle[:-1]:
            value += 2.0 * np.log(row[0])
    return value


def slope(data: Lines, at: Point, reml: bool) -> Slope:
    """Gradient and Hessian of the criterion in G.

    Second derivatives are -tr(E_a U E_b W) less products of sums, W_j = U_j - 2 Q_j Q_j' -
    2 nu s_j s_j': so U and W are paired once. ML has no Q_j here.
    """
    nu = data.nu(reml)
    u, rows = per_cluster(data, at)
    (s0, s1), q0, q1 = rows[-1], [row[0] for row in rows[:-1]], [row[1] for row in rows[:-1]]
    h, r = _with_residual(q0, q1, s0, s1)
    w = [a - 2.0 * nu * b for a, b in zip(u, square([s0], [s1]), strict=True)]
    first = [t - nu * b for t, b in zip(_traces(u), r, strict=True)]
    p: list[Table] = []
    if reml:
        p = outer(q0, q1)
        w = [a - 2.0 * b for a, b in zip(w, square(q0, q1), strict=True)]
        first = [a - trace(b) for a, b in zip(first, p, strict=True)]
    second = paired(u, (w[0], w[1], w[2]))
    for a in range(DIRECTIONS):
        for b in range(a, DIRECTIONS):
            value = -second[a][b] - nu * (2.0 * inner(h[a], h[b]) + r[a] * r[b])
            second[a][b] = second[b][a] = value - product(p[a], p[b]) if reml else value
    return Slope(first, second)


def sums(data: Lines, at: Point) -> Sums:
    """Everything that derivatives, informations and contrasts need."""
    u, rows = per_cluster(data, at)
    q0, q1 = [row[0] for row in rows[:-1]], [row[1] for row in rows[:-1]]
    s0, s1 = rows[-1]
    h, r = _with_residual(q0, q1, s0, s1)
    q, s = square(q0, q1), square([s0], [s1])
    return Sums(_traces(u), outer(q0, q1), h, r, paired(u, u), paired(u, q), paired(u, s))


def inner(first: list[Floats], other: list[Floats]) -> Floats:
    """Sum of the products of two lists' entries."""
    value = first[0] * other[0]
    for a, b in zip(first[1:], other[1:], strict=True):
        value = value + a * b
    return value


def product(first: Table, other: Table) -> Floats:
    """tr(AB) of symmetric A and B."""
    value = inner(first[0], other[0])
    for a, b in zip(first[1:], other[1:], strict=True):
        value = value + inner(a, b)
    return value


def trace(table: Table) -> Floats:
    """Sum of the diagonal."""
    value = table[0][0]
    for k in range(1, len(table)):
        value = value + table[k][k]
    return value


def _traces(u: Trio) -> list[Floats]:
    """Sum over clusters of tr(E_a U)."""
    return [gram.dot(u[0]), 2.0 * gram.dot(u[1]), gram.dot(u[2])]


def _with_residual(q0: Columns, q1: Columns, s0: Floats, s1: Floats) -> tuple[Table, list[Floats]]:
    """h_a and sum s'E_a s."""
    h = [[gram.dot(q, s0) for q in q0],
         [gram.dot(a, s1) + gram.dot(b, s0) for a, b in zip(q0, q1, strict=True)],
         [gram.dot(q, s1) for q in q1]]  # fmt: skip
    return h, [gram.dot(s0, s0), 2.0 * gram.dot(s0, s1), gram.dot(s1, s1)]


def per_cluster(data: Lines, at: Point) -> tuple[Trio, list[tuple[Floats, Floats]]]:
    """U_j, and the two entries of Z~'q~ for every orthonormal column, the residual last."""
    j = data.n_clusters
    halves = [(column[:j], column[j : 2 * j]) for column in at.columns]
    (z00, z10), (z01, z11) = ((z[:j], z[j:]) for z in at.z)
    u = (z00 * z00 + z10 * z10, z00 * z01 + z10 * z11, z01 * z01 + z11 * z11)
    return u, [(z00 * a + z10 * b, z01 * a + z11 * b) for a, b in halves]


def outer(q0: Columns, q1: Columns) -> list[Table]:
    """P_a = sum Q'E_a Q of columns given by their two entries."""
    p00, p11 = _gram(q0), _gram(q1)
    mixed = [[gram.dot(a, b) for b in q1] for a in q0]
    many = range(len(q0))
    return [p00, [[mixed[k][m] + mixed[m][k] for m in many] for k in many], p11]


def _gram(columns: Columns) -> Table:
    table: Table = []
    for k, column in enumerate(columns):
        table.append([table[m][k] for m in range(k)] + [gram.dot(column, c) for c in columns[k:]])
    return table


def square(q0: Columns, q1: Columns) -> Trio:
    """QQ' of every cluster."""
    first, mixed, last = q0[0] * q0[0], q0[0] * q1[0], q1[0] * q1[0]
    for a, b in zip(q0[1:], q1[1:], strict=True):
        first += a * a
        mixed += a * b
        last += b * b
    return first, mixed, last


def paired(u: Trio, w: Trio) -> Table:
    """Sum over clusters of tr(E_a U E_b W), all a and b, of symmetric U and W."""
    (u0, u1, u2), (w0, w1, w2) = u, w
    t00, t22, t02 = gram.dot(u0, w0), gram.dot(u2, w2), gram.dot(u1, w1)
    t01 = gram.dot(u0, w1) + gram.dot(u1, w0)
    t12 = gram.dot(u1, w2) + gram.dot(u2, w1)
    t11 = 2.0 * t02 + gram.dot(u2, w0) + gram.dot(u0, w2)
    return [[t00, t01, t02], [t01, t11, t12], [t02, t12, t22]]
