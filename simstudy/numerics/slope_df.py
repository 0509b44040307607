"""Degrees of freedom and adjusted variance of a random-slope contrast.

Kenward-Roger as pbkrtest (expected information) and Satterthwaite as lmerTest (observed
information), at every rank of G. Contrasts are given in the coordinates of the orthonormal
columns, in which the covariance of the coefficients is the identity.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simstudy.moments import Floats, Ints
from simstudy.numerics import slope_newton, slope_sums
from simstudy.numerics.slope_lines import Columns, Lines
from simstudy.numerics.slope_newton import solve
from simstudy.numerics.slope_optimum import Optimum
from simstudy.numerics.slope_sums import Point, Root, Sums, Table

Directions = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model at its optimum, or at any G; arrays of R replications."""

    data: Lines
    root: Root
    rank: Ints
    reml: bool
    correlated: bool

    @cached_property
    def at(self) -> Point:
        """Generalized least squares."""
        return slope_sums.fit(self.data, self.root)

    @cached_property
    def sums(self) -> Sums:
        """What both kinds of df are made of."""
        return slope_sums.sums(self.data, self.at)

    @property
    def directions(self) -> Directions:
        """Those of G that the model has."""
        return (0, 1, 2) if self.correlated else (0, 2)

    def coordinates(self, contrast: list[Floats]) -> list[Floats]:
        """A contrast of the coefficients as one of the orthonormal columns."""
        triangle, turned = self.at.triangle, list(contrast)
        for k in range(len(turned)):
            for i in range(k):
                turned[k] = turned[k] - triangle[i][k - i] * turned[i]
            turned[k] = turned[k] / triangle[k][0]
        return turned

    def estimate(self, turned: list[Floats]) -> Floats:
        """Estimate of a contrast given by its coordinates, shape (R,)."""
        return slope_sums.inner(turned, [row[-1] for row in self.at.triangle[:-1]])

    @cached_property
    def crossed(self) -> Table:
        """tr(P_a P_b)."""
        p = self.sums.p
        return [[slope_sums.product(a, b) for b in p] for a in p]


def of_optimum(data: Lines, best: Optimum, *, reml: bool, correlated: bool) -> Fitted:
    """Take a model at its optimum."""
    return Fitted(data, best.root, best.rank, reml, correlated)


def expected(fitted: Fitted) -> tuple[Floats, list[Floats], Table]:
    """Expected information of (sigma2, G), both over sigma2: I_00, I_0a, I_ab."""
    sums, crossed, many = fitted.sums, fitted.crossed, fitted.directions
    trace = [0.5 * (sums.u[a] - slope_sums.trace(sums.p[a])) for a in many]
    inner = [
        [0.5 * (sums.uu[a][b] - 2.0 * sums.uq[a][b] + crossed[a][b]) for b in many] for a in many
    ]
    return 0.5 * fitted.data.nu(True), trace, inner


def growth(fitted: Fitted, turned: list[Floats]) -> tuple[list[Floats], Table]:
    """g_a = c'P_a c, how the variance of a contrast grows with G, and P_a c."""
    images = [
        [slope_sums.inner(row, turned) for row in fitted.sums.p[a]] for a in fitted.directions
    ]
    return [slope_sums.inner(turned, image) for image in images], images


def kenward_roger(fitted: Fitted, turned: list[Floats]) -> tuple[Floats, Floats]:
    """Kenward-Roger df and adjusted variance (Kenward & Roger 1997, Biometrics 53:983-997).

    Returns
    -------
    df : array, shape (R,)
    variance : array, shape (R,)
        Over sigma2.
    """
    corner, edge, inner = expected(fitted)
    variance = slope_sums.inner(turned, turned)
    first, images = growth(fitted, turned)
    many = range(len(edge))
    schur = [[inner[a][b] - edge[a] * edge[b] / corner for b in many] for a in many]
    curved = _curvature(fitted, turned)
    adjustment = np.zeros_like(variance)
    for b in many:
        unit = [np.full_like(variance, a == b, dtype=float) for a in many]
        for a, weight in enumerate(solve(schur, unit)):
            bend = curved[a][b] - slope_sums.inner(images[a], images[b])
            adjustment = adjustment + weight * bend
    rest = _spread(corner, edge, schur, variance, first)
    return 2.0 * variance * variance / rest, variance + 2.0 * adjustment


def _spread(
    corner: Floats, edge: list[Floats], schur: Table, variance: Floats, first: list[Floats]
) -> Floats:
    """g'I^-1 g of g = (v, g_a), by the complement of I_00."""
    left = [g - e * variance / corner for g, e in zip(first, edge, strict=True)]
    return variance * variance / corner + slope_sums.inner(left, solve(schur, left))


def _curvature(fitted: Fitted, turned: list[Floats]) -> Table:
    """c'Q_ab c: sum over clusters of tr(E_a U E_b (Qc)(Qc)')."""
    u, rows = slope_sums.per_cluster(fitted.data, fitted.at)
    q0, q1 = (_combined([row[k] for row in rows[:-1]], turned) for k in (0, 1))
    table = slope_sums.paired(u, slope_sums.square([q0], [q1]))
    return [[table[a][b] for b in fitted.directions] for a in fitted.directions]


def _combined(columns: Columns, turned: list[Floats]) -> Floats:
    value = columns[0] * turned[0]
    for column, weight in zip(columns[1:], turned[1:], strict=True):
        value += column * weight
    return value


def satterthwaite(fitted: Fitted, turned: list[Floats]) -> Floats:
    """Satterthwaite df from the observed information (Kuznetsova et al. 2017, lmerTest).

    lmerTest differentiates in the entries of the root of G, where derivatives vanish along what is
    0; so only directions of the face count, and with G = 0 the df is nu.
    """
    nu = fitted.data.nu(fitted.reml)
    edge, inner = _observed(fitted, nu)
    first, _ = growth(fitted, turned)
    variance = slope_sums.inner(turned, turned)

    def df(edge: list[Floats], inner: Table, first: list[Floats]) -> Floats:
        corner = 0.5 * nu
        many = range(len(edge))
        schur = [[inner[a][b] - edge[a] * edge[b] / corner for b in many] for a in many]
        return 2.0 * variance * variance / _spread(corner, edge, schur, variance, first)

    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        values = np.where(fitted.rank == 0, nu, df(edge, inner, first))
        single = fitted.rank == 1
        if not single.any():
            return values
        if fitted.correlated:
            return np.where(single, df(*_along_edge(fitted, nu, edge, inner, first)), values)
        for k in (0, 1):
            alone = df([edge[k]], [[inner[k][k]]], [first[k]])
            values = np.where(single & (fitted.root[2 * k] != 0), alone, values)
        return values


def _observed(fitted: Fitted, nu: Floats) -> tuple[list[Floats], Table]:
    """Observed information of (sigma2, G) but for its corner nu / 2: A_0a, A_ab."""
    sums, many = fitted.sums, fitted.directions
    edge, inner = [], []
    for a in many:
        trace = sums.u[a] - slope_sums.trace(sums.p[a]) if fitted.reml else sums.u[a]
        edge.append(nu * sums.r[a] - 0.5 * trace)
        row = []
        for b in many:
            pair = sums.uu[a][b]
            if fitted.reml:
                pair = pair - 2.0 * sums.uq[a][b] + fitted.crossed[a][b]
            bend = sums.us[a][b] - slope_sums.inner(sums.h[a], sums.h[b])
            row.append(nu * bend - 0.5 * pair)
        inner.append(row)
    return edge, inner


def _along_edge(
    fitted: Fitted, nu: Floats, edge: list[Floats], inner: Table, first: list[Floats]
) -> tuple[list[Floats], Table, list[Floats]]:
    """The same along E_a = e_a k' + k e_a', a = 1, 2, where G = kk'."""
    sums = fitted.sums
    slopes = [u - nu * r for u, r in zip(sums.u, sums.r, strict=True)]
    if fitted.reml:
        slopes = [s - slope_sums.trace(p) for s, p in zip(slopes, sums.p, strict=True)]
    bends = [[slopes[0], 0.5 * slopes[1]], [0.5 * slopes[1], slopes[2]]]
    tangents = slope_newton.tangents(fitted.root)[:2]
    images = [[slope_sums.inner(row, t) for row in inner] for t in tangents]
    table = [
        [slope_sums.inner(images[a], tangents[b]) + bends[a][b] for b in (0, 1)] for a in (0, 1)
    ]
    return (
        [slope_sums.inner(edge, t) for t in tangents],
        table,
        [slope_sums.inner(first, t) for t in tangents],
    )
