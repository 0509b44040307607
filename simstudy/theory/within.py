"""What theory says of the dummy (within) fit.

Given x its estimate is an ordinary least-squares one with independent errors and N - J - 1
degrees of freedom, whatever the clusters do: also with a contextual effect.
"""

from __future__ import annotations

from collections.abc import Mapping

from simstudy.generators.scenario import Scenario
from simstudy.theory.law import Answer, asymptotically, critical, exactly, shifted_by
from simstudy.theory.predictors import (
    cluster_level,
    fixed_sizes,
    largest_n_obs,
    smallest_n_obs,
    within_spread,
)
from simstudy.theory.quadrature import two_sided


def usable(scenario: Scenario) -> bool:
    """Whether x can vary within clusters and leave degrees of freedom."""
    return not cluster_level(scenario) and largest_n_obs(scenario) - scenario.n_clusters >= 2


def bias(scenario: Scenario, options: Mapping[str, str]) -> Answer | None:
    """Zero."""
    return exactly(0.0)


def se_error(scenario: Scenario, options: Mapping[str, str]) -> Answer | None:
    """Zero: the variance is estimated without bias given x.

    Exactly so where the slope has a variance: with a normal x and N - J = 2 it has not,
    which random sizes allow with a probability that vanishes as J grows.
    """
    if options["se"] != "classical":
        return None
    free = smallest_n_obs(scenario) - scenario.n_clusters
    if scenario.x != "normal" or free >= 3:
        return exactly(0.0)
    return asymptotically(0.0) if scenario.size.random else None


def rejection(
    scenario: Scenario, options: Mapping[str, str], alpha: float, shift: float
) -> Answer | None:
    """P(|t| > critical value) when the slope is `shift` off the tested one."""
    if options["se"] != "classical" or options["df"] == "satterthwaite":
        return None
    sizes = fixed_sizes(scenario)
    if sizes is None:
        if shift != 0:
            return None
        return exactly(alpha) if options["df"] == "residual" else asymptotically(alpha)
    free = int(sizes.sum()) - scenario.n_clusters
    shifted = shifted_by(scenario, shift, within_spread(scenario), 1.0 - scenario.icc)
    if shifted is None:
        return None
    rules = {"residual": free - 1, "clusters": scenario.n_clusters - 1}
    threshold = critical(options["df"], alpha, rules)
    return exactly(two_sided(threshold, free - 1, shifted))
