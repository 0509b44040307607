"""Cluster effects whose variance differs between arms."""

from __future__ import annotations

import math

from simstudy.forms import Either, Number
from simstudy.generators.part import Part, register
from simstudy.generators.parts._written import (
    canonical_pair,
    is_of_arms,
    of_arms,
    text_of_pair,
    without_arms,
)
from simstudy.generators.sketch import Sketch


def _apply(sketch: Sketch, value: tuple[str, float]) -> None:
    sketch.effect_sd = sketch.effect_sd * sketch.by_arm(value[1])


def _account(value: tuple[str, float]) -> str:
    ratio = value[1]
    if ratio == 0.0:
        differ = "There were cluster effects in the control arm alone"
    elif math.isinf(ratio):
        differ = "There were cluster effects in the treated arm alone"
    else:
        differ = f"The variance of the cluster effects of the treated was {ratio:g} times that of "
        differ += "the control"
    return rf"{differ}; the mean variance, weighted by their nominal shares, was $\tau^2$."


register(Part(
    name="cluster_variance",
    stream=11,
    summary="ratio of the variances of the cluster effects, treated over control",
    form=Either("{arms: RATIO}", {
        "arms": Number("ratio of tau2, treated over control", 0, math.inf, infinite=True),
    }, {"ratio": "arms", "arm": "arms", "treatment": "arms", "treated": "arms"}),
    default=None,
    text=text_of_pair,
    canonical=canonical_pair,
    subject="effects",
    words="variance of cluster effects",
    symbol=r"\tau_j^2",
    exact_at=of_arms,
    stage="effects",
    apply=_apply,
    refuse=without_arms,
    account=_account,
    by_arm=is_of_arms,
    example={"arms": 4},
    synonyms="effect_variance cluster_heteroscedasticity tau2_ratio icc_ratio unequal_icc "
        "partial_nesting partially_nested partial_clustering",
    instead=lambda value: "{arms: RATIO}; the variance itself is icc times total_variance",
))  # fmt: skip
