"""What the pooled fit does with many clusters.

Its slope's variance is understated by the design effect (Kish 1965; Moulton 1986,
J. Econometrics 32:385-397).
"""

from __future__ import annotations

import math

from simstudy.numerics.tails import critical_value


def size(design_effect: float, alpha: float) -> float:
    """Rejection rate of the pooled test of a true null: 2 Phi(-z / sqrt(deff))."""
    return math.erfc(float(critical_value(math.inf, alpha)) / math.sqrt(2.0 * design_effect))


def se_bias(design_effect: float) -> float:
    """Percent by which the pooled standard error misses: 100 (1 / sqrt(deff) - 1)."""
    return 100.0 * (1.0 / math.sqrt(design_effect) - 1.0)
