"""What methods estimate: names, symbols, words and true values.

The one list of them; a method says which of these it has an estimate of. Whether a null
hypothesis is true is decided here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from simstudy.errors import meanings

DEFAULT = "slope"
INTERCEPT = "intercept"
_SIZES = ("total_variance", "within_variance")
_EQUAL = 1e-12  # a truth that is a sum (.1 + .2) equals a null value that was typed (.3)


@dataclass(frozen=True, slots=True)
class Estimand:
    """A quantity of the data-generating model.

    Attributes
    ----------
    name : str
        As in study files and summaries.
    symbol : str
        LaTeX, without dollar signs.
    words : str
        As a noun with its article.
    fields : tuple of str
        Fields of a scenario that set its true value: designs that differ in them alone differ
        in nothing else.
    value : callable
        Scenario -> its true value.
    of_variances : callable, optional
        (tau2, sigma2) -> its estimate, of arrays, where it is one of the variances: then the
        methods of this package have no standard error of it, and no test.
    of_slope : bool
        Whether it is another true value that a slope is held against: whatever estimates the
        slope estimates it.
    """

    name: str
    symbol: str
    words: str
    fields: tuple[str, ...]
    value: Callable[[Any], float]
    of_variances: Callable[[Any, Any], Any] | None = None
    of_slope: bool = False

    @property
    def term(self) -> str:
        """The term of the regression that is its estimate, where it is no variance."""
        return INTERCEPT if self.name == INTERCEPT else DEFAULT

    @property
    def plain(self) -> str:
        """Its name in plain words."""
        return self.words.removeprefix("the ")


def _slope_of_units(scenario: Any) -> float:
    """The clusters' slopes weighted by their sizes, on average.

    cov(v, n) / E n of what a cluster's slope is beside the mean one.
    """
    correlation = scenario.part("informative_slope")
    if not correlation:
        return float(scenario.slope)
    size = scenario.size
    return float(scenario.slope + scenario.slope_sd * correlation * size.sd / size.mean)


ESTIMANDS: Mapping[str, Estimand] = {
    estimand.name: estimand
    for estimand in (
        Estimand("slope", r"\beta_1", "the slope", ("slope",), lambda s: s.slope),
        Estimand("intercept", r"\beta_0", "the intercept", ("intercept",), lambda s: s.intercept),
        Estimand(
            "icc", r"\rho", "the intraclass correlation", ("icc",), lambda s: s.icc,
            lambda tau2, sigma2: tau2 / (tau2 + sigma2),
        ),
        Estimand(
            "tau2", r"\tau^2", "the variance between clusters", ("icc", *_SIZES),
            lambda s: s.tau2, lambda tau2, sigma2: tau2,
        ),
        Estimand(
            "sigma2", r"\sigma^2", "the variance within clusters", ("icc", *_SIZES),
            lambda s: s.sigma2, lambda tau2, sigma2: sigma2,
        ),
        Estimand(
            "total_variance", r"\omega^2", "the total variance given the predictor", _SIZES,
            lambda s: s.total_variance, lambda tau2, sigma2: tau2 + sigma2,
        ),
        Estimand(
            "contextual_effect", r"\gamma", "the contextual effect", ("contextual_effect",),
            lambda s: s.contextual_effect,
        ),
        Estimand(
            "between_slope", r"\beta_1 + \gamma", "the between-cluster slope",
            ("slope", "contextual_effect"), lambda s: s.slope + s.contextual_effect,
        ),
        Estimand(
            "slope_units", r"\beta_{\text{units}}", "the mean slope of units", ("slope",),
            _slope_of_units, of_slope=True,
        ),
        Estimand(
            "slope_clusters", r"\beta_{\text{clusters}}", "the mean slope of clusters",
            ("slope",), lambda s: s.slope, of_slope=True,
        ),
    )
}  # fmt: skip
OTHER_NAMES = meanings(
    slope="effect beta beta1 beta_1 b1 treatment_effect coefficient within_slope x within "
        "within_effect fixed_effect regression beta_w",
    intercept="beta0 beta_0 b0 constant cons const mean",
    icc="rho intraclass_correlation icc1 vpc",
    tau2="tau_2 tau_squared between_variance var_u cluster_variance "
        "random_intercept_variance sigma_u2",
    sigma2="sigma_2 sigma_squared residual_variance within_variance error_variance var_e",
    total_variance="variance omega2",
    contextual_effect="contextual context_effect gamma compositional_effect",
    between_slope="between between_effect beta_b",
    slope_units="unit_average individual_average iate unit_average_effect size_weighted_slope",
    slope_clusters="cluster_average cate cluster_average_effect unweighted_slope",
)  # fmt: skip


def estimand(name: str) -> Estimand:
    """What a name stands for: one of `ESTIMANDS`, or else the slope of the covariate it names."""
    if name in ESTIMANDS:
        return ESTIMANDS[name]
    symbol, field = rf"\beta_{{{subscript(name)}}}", f"{name}.slope"
    return Estimand(name, symbol, f"the slope of {name}", (field,), lambda s: s.slope_of(name))


def subscript(name: str) -> str:
    """A covariate's name in LaTeX, without dollar signs."""
    escaped = name.replace("_", r"\_")
    return rf"\text{{{escaped}}}"


VARIANCES = tuple(name for name, of in ESTIMANDS.items() if of.of_variances is not None)


def is_null(truth: Any, null_value: Any) -> Any:
    """Whether the null hypothesis is true, so that rejections are Type I errors.

    Parameters
    ----------
    truth, null_value : float or array
        NaN where a truth is not one number: the null is then not true.
    """
    return abs(truth - null_value) <= _EQUAL * abs(null_value)


def one_of(low: Any, high: Any) -> Any:
    """The one true value of data sets whose least and greatest are these; NaN if they differ."""
    same = high - low <= _EQUAL * np.maximum(np.abs(low), np.abs(high))
    return np.where(same, low, np.nan)
