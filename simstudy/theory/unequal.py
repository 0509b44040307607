"""The pooled test for unequal clusters and a given x.

In the basis of the cluster means (and of the part of x within clusters) the covariance is
diagonal, L_j = 1 - icc + n_j icc and 1 - icc; rejection is a quadratic form with the matrix
L^(1/2) [qq' - k (I - q0 q0' - qq')] L^(1/2), k = critical^2 / (N - 2), of which one
eigenvalue is positive (Imhof 1961).
"""

from __future__ import annotations

import math

import numpy as np

from simstudy.moments import Floats
from simstudy.theory.predictors import FixedX
from simstudy.theory.quadrature import exceeds


def size(fixed: FixedX, icc: float, critical: float) -> Floats:
    """Size of the pooled test given x, shape () or (M,)."""
    sizes, n_obs = fixed.sizes, int(fixed.sizes.sum())
    part = np.sqrt(sizes) * fixed.mean
    means = np.sqrt(sizes / n_obs)
    spread = 1.0 - icc + sizes * icc
    varies = fixed.within > 0
    if varies:
        part = np.append(part, math.sqrt(fixed.within))
        means, spread = np.append(means, 0.0), np.append(spread, 1.0 - icc)
    part = part / np.sqrt(fixed.total)[..., None]
    k = critical * critical / (n_obs - 2)
    root = np.sqrt(spread)
    q, q0 = root * part, root * means
    matrix = (1.0 + k) * q[..., :, None] * q[..., None, :] + k * (np.outer(q0, q0))
    values = np.linalg.eigvalsh(matrix - np.diag(k * spread))
    weights = np.maximum(-values[..., :-1], 0.0)
    rest = np.broadcast_to(k * (1.0 - icc), (*weights.shape[:-1], 1))
    weights = np.concatenate([weights, rest], axis=-1) / values[..., -1:]
    dfs = np.append(np.ones(weights.shape[-1] - 1), n_obs - sizes.size - varies)
    return exceeds(weights, dfs)


def se_bias(fixed: FixedX, icc: float, share: Floats | None = None) -> float:
    """Percent by which the root-mean-square pooled SE misses.

    Parameters
    ----------
    share : array, shape (M,), optional
        Probabilities of the allocations in `fixed`.
    """
    sizes, n_obs = fixed.sizes, int(fixed.sizes.sum())
    spread = 1.0 - icc + sizes * icc
    total = fixed.total
    each = ((spread * sizes * fixed.mean**2).sum(axis=-1) + (1.0 - icc) * fixed.within) / total
    whole = n_obs - (sizes * spread).sum() / n_obs
    weight = 1.0 / total if share is None else share / total
    true = float((each * weight).sum())
    model = float(((whole - each) * weight).sum()) / (n_obs - 2)
    return 100.0 * (math.sqrt(model / true) - 1.0)
