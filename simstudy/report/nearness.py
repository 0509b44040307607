"""How near two numbers are that estimate the same, in units of their Monte Carlo error."""

from __future__ import annotations

import math


def z_of(difference: float, variance: float) -> float:
    """A difference over the root of its variance; infinite where it has none and is not 0."""
    if variance == 0:
        return 0.0 if difference == 0 else math.copysign(math.inf, difference)
    return difference / math.sqrt(variance)


def of_proportions(one: float, n: float, other: float, m: float) -> float:
    """Variance of the difference of two proportions that estimate the same.

    It is p (1 - p) over each number, at the proportion p of both together: where one of the two is
    0 or 1 its own would be 0. An infinite number `m` is of a proportion without error.
    """
    both = other if math.isinf(m) else (n * one + m * other) / (n + m)
    return both * (1.0 - both) * (1.0 / n + 1.0 / m)
