"""Cluster effects that are correlated with the sizes of the clusters."""

from __future__ import annotations

import numpy as np

from simstudy.generators.part import Part, clusters, register
from simstudy.generators.parts._written import CORRELATION
from simstudy.generators.scenario import Scenario
from simstudy.generators.sketch import Sketch
from simstudy.moments import Floats


def without_sizes(scenario: Scenario) -> str | None:
    """Why sizes cannot inform."""
    if scenario.size.sd == 0:
        return "is a correlation with cluster sizes, and these are all equal"
    return None


def standardized_sizes(sketch: Sketch) -> Floats:
    """Sizes before loss, less their mean, over their SD."""
    rule = sketch.scenario.size
    return np.asarray((sketch.planned - rule.mean) / rule.sd)


def _apply(sketch: Sketch, correlation: float) -> None:
    sketch.loadings.append((correlation, standardized_sizes(sketch)))


register(Part(
    name="informative_size",
    stream=8,
    summary="correlation of the cluster effect with the size of the cluster",
    form=CORRELATION,
    default=0.0,
    subject="effects",
    words="correlation of cluster effect and cluster size",
    symbol=r"\rho_{un}",
    exact_at=clusters,
    stage="effects",
    apply=_apply,
    refuse=without_sizes,
    account=lambda value: "Cluster sizes were informative: the cluster effect $u_j$ had the "
        r"correlation $\rho_{un}$ with the size $n_j$; the rest of $u_j$ was independent of $n_j$, "
        "and normal unless said otherwise.",
    example=0.5,
    synonyms="informative_cluster_size informative_sizes size_effect_correlation cor_size "
        "nonignorable_size ics",
))  # fmt: skip
