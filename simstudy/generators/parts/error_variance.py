"""Errors whose variance differs: over clusters, between arms, or with x."""

from __future__ import annotations

import numpy as np

from simstudy.forms import Either, Number
from simstudy.generators.part import Part, register
from simstudy.generators.parts._written import (
    canonical_pair,
    is_of_arms,
    of_arms,
    text_of_pair,
    without_arms,
)
from simstudy.generators.scenario import Scenario
from simstudy.generators.sketch import Sketch

_STREAM = 10


def _exact_at(scenario: Scenario) -> str:
    key, _ = scenario.part("error_variance")
    if key == "x":
        return "clusters" if scenario.x_icc == 1.0 else "rows"
    return of_arms(scenario) if key == "arms" else "clusters"


def _refuse(scenario: Scenario) -> str | None:
    key, _ = scenario.part("error_variance")
    if key == "arms":
        return without_arms(scenario)
    if key == "clusters":
        return None
    if scenario.two_arms:
        return "{x: ...} needs a normal x; of a binary one write {arms: RATIO}"
    if scenario.x != "normal" or scenario.part("x_shape").name != "normal":
        return "{x: ...} needs a normal x: of no other is the mean variance known"
    return None


def _apply(sketch: Sketch, value: tuple[str, float]) -> None:
    key, number = value
    if key == "arms":
        multiple = sketch.by_arm(number)
    elif key == "clusters":
        shape = number**-2
        variances = sketch.open(_STREAM).standard_gamma(shape, sketch.shape) / shape
        multiple = sketch.spread(np.sqrt(variances))
    else:
        assert sketch.x is not None
        multiple = np.exp(0.5 * number * sketch.x - 0.25 * number**2)
    sketch.error_sd = sketch.error_sd * multiple


def _account(value: tuple[str, float]) -> str:
    key, number = value
    if key == "clusters":
        return (
            "The variance of the errors differed between clusters: gamma distributed with mean "
            rf"$\sigma^2$ and coefficient of variation {number:g}."
        )
    if key == "arms":
        return (
            f"The variance of the errors of the treated was {number:g} times that of the control; "
            r"the mean variance, weighted by their nominal shares, was $\sigma^2$."
        )
    variance = r"$\sigma^2 \exp(k x_{ij} - k^2/2)$"
    return f"The variance of $e_{{ij}}$ was {variance} with $k = {number:g}$."


register(Part(
    name="error_variance",
    stream=_STREAM,
    summary="how the errors' variance differs: {arms: k}, {clusters: CV} or {x: k}",
    form=Either("{clusters: CV}, {arms: RATIO} or {x: k}", {
        "clusters": Number("CV of the variance over clusters", 0, 10, low_open=True),
        "arms": Number("ratio of the variances, treated over control", 0, 1e6, low_open=True),
        "x": Number("k of a variance proportional to exp(k x)", -10, 10),
    }, {
        "cv": "clusters", "sd": "clusters", "between": "clusters", "random": "clusters",
        "ratio": "arms", "arm": "arms", "treatment": "arms", "treated": "arms", "varident": "arms",
        "predictor": "x", "k": "x", "exp": "x", "varexp": "x",
        "control": "write {arms: RATIO}, treated over control",
    }),
    default=None,
    text=text_of_pair,
    canonical=canonical_pair,
    subject="errors",
    words="variance of errors",
    symbol=r"\sigma_{ij}^2",
    exact_at=_exact_at,
    stage="errors",
    apply=_apply,
    refuse=_refuse,
    account=_account,
    by_arm=is_of_arms,
    example={"arms": 4},
    synonyms="heteroscedasticity heteroskedasticity heteroscedastic heteroskedastic variance_ratio "
        "unequal_variances error_heterogeneity varident varexp heterogeneity heterogeneity_var",
    advice={
        "write error_variance: {x: k}, proportional to exp(k x)": "varpower varconstpower",
    },
    instead=lambda value: "{arms: RATIO} of a binary x or {clusters: CV}; the variance itself is "
        "within_variance or total_variance",
))  # fmt: skip
