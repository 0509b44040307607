"""Slopes that are correlated with the sizes of the clusters."""

import math

from simstudy.generators.part import Part, clusters, register
from simstudy.generators.parts._written import CORRELATION
from simstudy.generators.parts.informative_size import standardized_sizes, without_sizes
from simstudy.generators.scenario import Scenario
from simstudy.generators.sketch import Sketch


def _refuse(scenario: Scenario) -> str | None:
    if scenario.slope_sd == 0:
        return "is a correlation of slopes that vary, and slope_sd is 0"
    return without_sizes(scenario)


def _apply(sketch: Sketch, correlation: float) -> None:
    sketch.slope_loadings.append((correlation, standardized_sizes(sketch)))


register(Part(
    name="informative_slope",
    stream=9,
    summary="correlation of a cluster's slope of x with the size of the cluster",
    form=CORRELATION,
    default=0.0,
    subject="slopes",
    words="correlation of slope and cluster size",
    symbol=r"\rho_{vn}",
    exact_at=clusters,
    stage="effects",
    apply=_apply,
    refuse=_refuse,
    account=lambda value: r"A cluster's slope had the correlation $\rho_{vn}$ with its size "
        "$n_j$, so that the mean slope of units was not that of clusters.",
    example=0.5,
    synonyms="informative_effects informative_slopes size_slope_correlation effect_by_size "
        "slope_size_correlation",
))  # fmt: skip


def slopes_impossible(scenario: Scenario) -> str | None:
    """Why no slopes have these correlations with effects and sizes, if none have."""
    rho_x, rho_n = scenario.part("endogeneity"), scenario.part("informative_size")
    left = 1.0 - rho_x**2 - rho_n**2
    own, rho_v = scenario.slope_correlation, scenario.part("informative_slope")
    gap = own - rho_n * rho_v
    if left <= 1e-12:
        if abs(gap) <= 1e-12:
            return None
        return f"must be {rho_n * rho_v:g} where sizes and x decide the cluster effects"
    if rho_v**2 + gap**2 / left > 1.0 + 1e-12:
        most = math.sqrt(max(left * (1.0 - rho_v**2), 0.0))
        low, high = rho_n * rho_v - most, rho_n * rho_v + most
        return f"is that of no slopes with such effects and sizes: {low:.4g} to {high:.4g} is"
    return None
