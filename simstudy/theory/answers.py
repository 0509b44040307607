"""Which answer goes with which scenario, method and measure.

An answer is given only where its conditions are met in every replication that is used
(status ok or boundary); everything else is None, never a guess.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from simstudy.estimands import DEFAULT
from simstudy.generators.scenario import Scenario
from simstudy.theory import arms, means, omission, pooled, random_intercept, third_level, within
from simstudy.theory.covariates import in_place_of_x
from simstudy.theory.law import Answer, Law, Options
from simstudy.theory.omission import World
from simstudy.theory.predictors import understood
from simstudy.theory.robust import ROBUST

MEASURES = ("bias", "relative_error_model_se", "share_boundary", "rejection_rate",
            "type1_inflation", "coverage")  # others have no answer  # fmt: skip


_SE = ("classical", *ROBUST, "moulton")
_OLS = {"se": _SE, "df": ("residual", "wald", "clusters", "satterthwaite")}

LAWS = {
    "pooled": Law(
        _OLS, omission.of_all, pooled.usable, pooled.bias, pooled.rejection, pooled.se_error
    ),
    "dummy": Law(
        _OLS, omission.of_units, within.usable, within.bias, within.rejection, within.se_error
    ),
    "random_intercept": Law(
        {"estimator": ("reml", "ml"), "df": random_intercept.RULES},
        omission.of_one_slope,
        random_intercept.usable,
        random_intercept.bias,
        random_intercept.rejection,
        share_boundary=random_intercept.share_boundary,
    ),
    "cluster_means": Law(
        {"weights": ("equal", "size"), "df": ("residual", "wald")},
        omission.of_means,
        means.usable,
        means.bias,
        means.rejection,
        means.se_error,
        drift=means.drift,
    ),
}
OF_PARTS: Mapping[tuple[str, ...], Mapping[str, Law]] = {
    (): LAWS,
    ("third_level",): third_level.LAWS,
}  # by all the parts that a design may have: beside `arms`, of others nothing is known


@np.errstate(all="ignore")  # an answer that overflows is none
def answer(
    scenario: Scenario,
    method: str,
    options: Options,
    measure: str,
    alpha: float | None,
    omit: Collection[str] = (),
    estimand: str = DEFAULT,
    level: int = 2,
) -> Answer | None:
    """What theory says a performance measure of a method is.

    Parameters
    ----------
    scenario : Scenario
    method : str
        Registered name, such as "pooled".
    options : mapping
        As settled: ``{"se": "classical", "df": "residual"}``.
    measure : str
        One of `MEASURES`; others have no answer.
    alpha : float or None
        Level, for the measures that have one.
    omit : collection of str
        Covariates that are not in the model.
    estimand : str
        "slope", or a covariate whose slope is tested.
    level : {2, 3}
        That of the clusters of the analysis.

    Returns
    -------
    Answer or None
        None where no answer is known, where the measure is undefined, or where the numbers
        are out of reach.
    """
    law = _law(scenario, method if level == 2 else f"{method}[level={level}]", options)
    if law is None or not understood(scenario):
        return None
    seen = scenario if estimand == DEFAULT else in_place_of_x(scenario, estimand)
    world = None if seen is None else law.world(seen, omit)
    if world is None or not law.usable(world.scenario):
        return None
    if measure == "bias":
        return _bias(law, world, options)
    if not world.linear:
        return None
    if measure == "relative_error_model_se":
        return law.se_error(world.scenario, options)
    if measure == "share_boundary":
        return law.share_boundary(world.scenario, options)
    if alpha is None:
        return None
    return _of_level(law, world, options, measure, alpha)


def _law(scenario: Scenario, method: str, options: Options) -> Law | None:
    """What is known of a method with these options where the design has these parts."""
    parts = tuple(name for name, _ in scenario.parts)
    known = [OF_PARTS.get(parts, {}), arms.LAWS if arms.PARTS.issuperset(parts) else {}]
    laws = [of[method] for of in known if method in of]
    return next((law for law in laws if law.knows(options)), None)


def _bias(law: Law, world: World, options: Options) -> Answer | None:
    """That of the method, and what is left out."""
    own = law.bias(world.scenario, options)
    if own is None or not world.drift:
        return own
    kind = own.kind if world.linear else "asymptotic"
    return Answer(own.value + world.drift, kind)


def _of_level(
    law: Law, world: World, options: Options, measure: str, alpha: float
) -> Answer | None:
    """Measures of the test: rejection of 0, of the truth, and the first over alpha."""
    scenario, drift = world.scenario, law.drift(world.scenario) + world.drift
    if measure == "coverage":
        missed = law.rejection(scenario, options, alpha, drift)
        return None if missed is None else missed._replace(value=1.0 - missed.value)
    if measure == "rejection_rate":
        return law.rejection(scenario, options, alpha, scenario.slope + drift)
    if measure == "type1_inflation" and scenario.slope == 0:
        size = law.rejection(scenario, options, alpha, drift)
        return None if size is None else size._replace(value=size.value / alpha)
    return None
