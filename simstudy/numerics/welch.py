"""Welch's comparison of two arms of clusters, from their means."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simstudy.moments import Bools, Floats
from simstudy.numerics.gram import dot

_ROUNDING = 1e-12  # of the distance between the two values of x


class Arms(NamedTuple):
    """Two arms, the one with the lower x first; arrays of shape (2, R).

    Attributes
    ----------
    x, y : arrays
        Value of x, and mean of the clusters' means of y.
    variance : array
        Of that mean: the variance of the clusters' means over their number; NaN of one cluster.
    df : array
        Clusters, less one.
    two_valued : array of bool, shape (R,)
        Whether there are two arms: the other values mean nothing where there are not.
    """

    x: Floats
    y: Floats
    variance: Floats
    df: Floats
    two_valued: Bools


def arms_of(x: Floats, y: Floats) -> Arms:
    """Split clusters by their x.

    Parameters
    ----------
    x, y : arrays broadcastable to (J, R)
        Means of the clusters.
    """
    x, y = np.broadcast_arrays(x, y)
    ends = np.stack([x.min(axis=0), x.max(axis=0)])
    below, above = x - ends[0], ends[1] - x
    two = np.all(np.minimum(below, above) <= _ROUNDING * (ends[1] - ends[0]), axis=0)
    members = [side.astype(np.float64) for side in (below < above, below >= above)]
    number = np.stack([member.sum(axis=0) for member in members])
    mean = np.stack([dot(member, y) for member in members]) / number
    squares = [
        dot(member, y - centre, y - centre) for member, centre in zip(members, mean, strict=True)
    ]
    free = number - 1.0
    return Arms(ends, mean, np.stack(squares) / free / number, free, two & (ends[0] < ends[1]))


def contrast(arms: Arms, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """A combination of the two means: value, standard error and Satterthwaite's df, shape (R,).

    Parameters
    ----------
    weights : array, shape (2, R)
    """
    variances = weights * weights * arms.variance
    total = variances.sum(axis=0)
    share = variances / total
    df = 1.0 / (share * share / arms.df).sum(axis=0)
    return (weights * arms.y).sum(axis=0), np.sqrt(total), df
