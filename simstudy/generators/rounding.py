"""Whole numbers from 1 up out of positive variates: one plus the variate, rounded at random.

It is rounded up with a probability equal to its fractional part f and else down. That keeps the
mean exact and adds E f(1 - f) to the variance, 1/6 where the variate spreads over some whole
numbers; a rule asks its variate for that much less.
"""

from __future__ import annotations

import math

import numpy as np

from simstudy.moments import Floats, Ints

ADDED = 1.0 / 6.0
_TERMS = 4096  # of the series; and whole numbers that are looked at one by one
_FAR = 9.0  # standard deviations of a normal beyond which there is nothing


def rounded(rng: np.random.Generator, variates: Floats) -> Ints:
    """One plus each variate, rounded at random."""
    return 1 + np.floor(variates + rng.random(variates.shape)).astype(int)


def gamma_shape(mean: float, cv: float) -> tuple[float, float]:
    """Shape and scale of a gamma variate that makes sizes of that mean and CV."""
    variance = (mean * cv) ** 2 - ADDED
    return (mean - 1.0) ** 2 / variance, variance / (mean - 1.0)


def lognormal_shape(mean: float, cv: float) -> tuple[float, float]:
    """Mean and SD of the logarithm of a lognormal variate that makes sizes of that mean and CV."""
    variance = (mean * cv) ** 2 - ADDED
    square = math.log1p(variance / (mean - 1.0) ** 2)
    return math.log(mean - 1.0) - 0.5 * square, math.sqrt(square)


def added_to_gamma(shape: float, scale: float) -> float:
    """E f(1 - f) of a gamma variate.

    f(1 - f) is 1/6 - sum_k cos(2 pi k x) / (pi k)^2, so that its mean needs the characteristic
    function at 2 pi k alone: (1 - 2 pi i k scale)^-shape, in the end a power of k.
    """
    k = np.arange(1.0, _TERMS + 1.0)
    waves = np.exp(-shape * np.log1p(-2j * math.pi * scale * k)).real
    last = waves[-1] * (_TERMS / (_TERMS + 0.5)) ** shape / ((_TERMS + 0.5) * (1.0 + shape))
    return ADDED - float((waves / k**2).sum() + last) / math.pi**2


def added_to_lognormal(mu: float, sd: float) -> float:
    """E f(1 - f) of a lognormal variate exp(mu + sd z).

    By Gauss's rule between whole numbers, up to where the density is flat over them.
    """
    first = math.floor(math.exp(mu - _FAR * sd))
    whole = (np.log(first + np.arange(1.0, _TERMS + 1.0)) - mu) / sd
    end = min(_FAR, whole[-1])
    edges = np.unique(np.concatenate([np.linspace(-_FAR, end, 512), whole[np.abs(whole) < end]]))
    nodes, weights = np.polynomial.legendre.leggauss(8)
    half = 0.5 * np.diff(edges)[:, None]
    z = edges[:-1, None] + half * (1.0 + nodes)
    x = np.exp(mu + sd * z)
    share = x - np.floor(np.exp(mu + sd * (edges[:-1, None] + half)))
    density = np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    near = float((half * weights * density * share * (1.0 - share)).sum())
    return near + ADDED * 0.5 * math.erfc(end / math.sqrt(2.0))
