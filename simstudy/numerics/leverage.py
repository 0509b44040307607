"""What a cluster-robust variance makes of the leverage B_j of a cluster: f(B_j) c.

f = 1 (CR0), (I - B)^-1/2 (CR2; Bell & McCaffrey 2002, Surv. Methodol. 28:169-181) or
(I - B)^-1 (CR3), and c a contrast of unit length.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simstudy.moments import Bools, Floats, products
from simstudy.numerics.symmetric import Triangle, eigen

SINGULAR = 1e-12  # det(I - B_j), or an eigenvalue, at or below this: a direction is lost without j
_APART = 1e-8  # cosine of such a direction and the contrast that may be rounding
_POWERS = {"CR2": -0.5, "CR3": -1.0}


def of_slope(b: Triangle, kind: str) -> tuple[list[Floats], Bools]:
    """f(B_j) (0, 1)' of one predictor in closed form, and whether it exists for every cluster.

    With m = det(I - B), d = sqrt(m) and s = sqrt(tr(I - B) + 2 d): the inverse is adj / m,
    its square root (adj + d I) / (d s); no eigenvalue is needed.
    """
    (b11, b12), (b22,) = b
    if kind == "CR0":
        return [np.zeros((1, 1)), np.ones((1, 1))], np.ones(1, dtype=bool)
    m11, m22 = 1.0 - b11, 1.0 - b22
    det = m11 * m22 - b12 * b12
    exists = det.min(axis=0) > SINGULAR
    if not exists.all():
        det = np.maximum(det, SINGULAR)
    if kind == "CR3":
        scale = 1.0 / det
        return [b12 * scale, m11 * scale], exists
    d = np.sqrt(det)
    scale = 1.0 / (d * np.sqrt(m11 + m22 + 2.0 * d))
    return [b12 * scale, (m11 + d) * scale], exists


def of_contrast(b: Triangle, kind: str, contrast: Sequence[Floats]) -> tuple[list[Floats], Bools]:
    """f(B_j) c of any number of predictors by eigenvalues, and whether it exists.

    Where I - B_j is singular along directions that have no part in the contrast, their scores
    are 0 and the generalised inverse serves.
    """
    if kind == "CR0":
        return [weight.reshape(1, -1) for weight in contrast], np.ones(1, dtype=bool)
    values, vectors = eigen(b)
    along = [_along([row[k] for row in vectors], contrast) for k in range(len(values))]
    exists: Bools = np.ones(1, dtype=bool)
    weights = []
    for value, part in zip(values, along, strict=True):
        gap = 1.0 - value
        lost = gap <= SINGULAR
        exists = exists & ~(lost & (np.abs(part) > _APART)).any(axis=0)
        weights.append(np.where(lost, 0.0, np.where(lost, 1.0, gap) ** _POWERS[kind]) * part)
    return [products(row, weights) for row in vectors], exists


def _along(vector: Sequence[Floats], contrast: Sequence[Floats]) -> Floats:
    return np.asarray(sum(v * c for v, c in zip(vector, contrast, strict=True)))
