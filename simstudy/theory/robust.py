"""Cluster-robust tests of two arms of equal clusters, exactly.

With m_a clusters in arm a the pooled slope's variance is in proportion to sum_a 1 / m_a, and
its cluster-robust estimate to sum_a c_a chi2(m_a - 1), independent of the slope.
"""

from __future__ import annotations

import math

import numpy as np

from simstudy.moments import Floats
from simstudy.theory.quadrature import CENTRAL, Nodes, exceeds, two_sided

ROBUST = ("CR0", "CR1", "CR1S", "CR2", "CR3")
_LEVERAGE = {"CR2": 1, "CR3": 2}  # powers of 1 / (1 - leverage) in the variance


def multiples(arms: Floats, n_obs: int, se: str) -> Floats:
    """The c_a of `arms` clusters each; of one cluster, for CR2 and CR3, infinite."""
    j = arms.sum()
    small = j / (j - 1)
    factor = {"CR1": small, "CR1S": small * (n_obs - 1) / (n_obs - 2)}.get(se, 1.0)
    return np.asarray(factor / arms**2 / (1.0 - 1.0 / arms) ** _LEVERAGE.get(se, 0))


def satterthwaite(each: Floats, dfs: Floats) -> float:
    """Bell & McCaffrey's (2002, Surv. Methodol. 28:169-181) degrees of freedom."""
    return float((each * dfs).sum() ** 2 / (each**2 * dfs).sum())


class Arms:
    """Two arms of clusters of one size, and one of the cluster-robust errors.

    Parameters
    ----------
    n_clusters, n_obs : int
    se : {"CR0", "CR1", "CR1S", "CR2", "CR3"}
    """

    def __init__(self, n_clusters: int, n_obs: int, se: str) -> None:
        self.n_clusters = j = n_clusters
        arms = np.array([j // 2, j - j // 2], dtype=float)
        self.true = float((1.0 / arms).sum())
        self.dfs = arms - 1.0
        self.each = multiples(arms, n_obs, se)

    @staticmethod
    def exist(n_clusters: int, se: str) -> bool:
        """Whether every cluster leaves its arm something to be compared with.

        A single cluster in an arm has leverage 1, which CR2 and CR3 cannot divide by; two
        clusters leave nothing at all.
        """
        return n_clusters >= (4 if se in _LEVERAGE else 3)

    @property
    def satterthwaite(self) -> float:
        """As the function of that name."""
        return satterthwaite(self.each, self.dfs)

    @property
    def se_ratio(self) -> float:
        """The root-mean-square standard error over the true one."""
        return math.sqrt((self.each * self.dfs).sum() / self.true)

    @property
    def se_bias(self) -> float:
        """Percent by which the root-mean-square standard error misses."""
        return 100.0 * (self.se_ratio - 1.0)

    def rejection(self, critical: float, shifted: Nodes = CENTRAL) -> float | None:
        """P(|t| > critical); with a shift only where the arms are equal."""
        weights = critical**2 * self.each / self.true
        if weights[0] == weights[1]:
            free = self.n_clusters - 2
            return float(two_sided(math.sqrt(weights[0] * free), free, shifted))
        if shifted is not CENTRAL:
            return None
        return float(exceeds(weights, self.dfs))
