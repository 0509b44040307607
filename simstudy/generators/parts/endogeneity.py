"""Cluster effects that are correlated with the cluster part of x."""

from simstudy.generators.part import Part, clusters, register
from simstudy.generators.parts._written import CORRELATION
from simstudy.generators.scenario import Scenario
from simstudy.generators.sketch import Sketch

STREAM = 7  # of the cluster part of x, given its cluster means


def _refuse(scenario: Scenario) -> str | None:
    rho_n = scenario.part("informative_size")
    if scenario.x not in ("normal", "binary"):
        return f"is a correlation with the cluster part of x, and x: {scenario.x} has none"
    if scenario.x_icc == 0.0:
        return "is a correlation with the cluster part of x, and with x_icc 0 there is none"
    third = scenario.part("third_level")
    if third is not None and third.x_icc >= (scenario.x_icc or 0.0):
        return "is a correlation with what x has within groups, and third_level.x_icc leaves none"
    if scenario.part("endogeneity") ** 2 + rho_n**2 > 1.0 + 1e-12:
        return f"and informative_size {rho_n:g} have squares of a sum above 1: no effects are so"
    return None


def _apply(sketch: Sketch, correlation: float) -> None:
    assert sketch.component is not None
    sketch.loadings.append((correlation, sketch.component()))


register(Part(
    name="endogeneity",
    stream=STREAM,
    summary="correlation of the cluster effect with the cluster part of x",
    form=CORRELATION,
    default=0.0,
    subject="effects",
    words="correlation of cluster effect and predictor",
    symbol=r"\rho_{ua}",
    exact_at=clusters,
    stage="effects",
    apply=_apply,
    refuse=_refuse,
    account=lambda value: r"The cluster effect $u_j$ had the correlation $\rho_{ua}$ with the "
        "cluster part of $x$, which was thus endogenous; the rest of $u_j$ was independent of $x$, "
        "and normal unless said otherwise.",
    example=0.3,
    synonyms="endogenous endogeneity_rho cor_x_u corr_x_u rho_xu cor_ux omitted_variable_bias "
        "confounding_by_cluster cluster_confounding",
))  # fmt: skip
