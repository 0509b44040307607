"""What the random-intercept models share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simstudy.entries import Chosen, Option, choice
from simstudy.estimates import Estimates, Outcome
from simstudy.methods import _assemble
from simstudy.moments import Array, Bools, Factor, Floats, Ints, Moments
from simstudy.numerics import information, likelihood, reml, weighted
from simstudy.numerics.information import Contrast
from simstudy.numerics.weighted import Sums


class Fitted(NamedTuple):
    """A model at its optimum; arrays of shape (R,)."""

    sums: Sums
    psi: Floats
    boundary: Bools
    sigma2: Floats
    nu: Ints | int  # divisor of RSS
    free: Ints | int  # N less the fixed effects
    restricted: bool


def optimum(moments: Moments, within: Factor, estimator: str, n_fixed: int) -> Fitted:
    """Fit by REML or ML.

    Parameters
    ----------
    moments : Pooled or Clusters
    within : Factor, shape (R,)
        Within-cluster cross-products, or what a regression within clusters has left.
    estimator : {"reml", "ml"}
    n_fixed : int
        Fixed effects, those of a regression within clusters included.
    """
    restricted = estimator == "reml"
    psi, boundary = reml.variance_ratio(moments, within, reml=restricted, n_fixed=n_fixed)
    sums = weighted.evaluate(moments, within, psi)
    nu = likelihood.residual_df(moments.n_obs, restricted, n_fixed)
    free = moments.n_obs - n_fixed
    return Fitted(sums, psi, boundary, sums.at.rss / nu, nu, free, restricted)


def intercept(moments: Moments, fitted: Fitted, term: str) -> tuple[Floats, Contrast]:
    """Value of the fitted line at x = 0; `moments` must hold means."""
    clusters = _assemble.with_means(moments, term)
    estimate, weights = _assemble.at_zero(fitted.sums.at, clusters)
    return estimate, information.contrast(fitted.sums, weights)


def estimates(
    fitted: Fitted,
    outcome: Array,
    effect: tuple[Floats, Contrast],
    df: str,
    between_within: Floats | float,
) -> Estimates:
    """Test an effect.

    Parameters
    ----------
    fitted : Fitted
    outcome : array, shape (R,)
        Of the fit, as long as nobody looked whether a variance is 0.
    effect : (estimate, contrast)
    df : {"wald", "residual", "between_within", "satterthwaite", "kenward_roger"}
        kenward_roger also adjusts the standard error.
    between_within : array or float
        Between-within df of this effect (SAS, nlme).
    """
    estimate, of = effect
    std_error, free = _error_and_df(fitted, of, df, between_within)
    outcome = _assemble.unless(outcome, fitted.boundary, Outcome.BOUNDARY)
    return _assemble.estimates(
        estimate, std_error, free, outcome, fitted.sigma2 * fitted.psi, fitted.sigma2
    )


def _error_and_df(
    fitted: Fitted, of: Contrast, df: str, between_within: Floats | float
) -> tuple[Floats, Floats | float]:
    std_error = np.sqrt(fitted.sigma2 * of.variance)
    if df == "kenward_roger":
        free, inflation = information.kenward_roger(fitted.sums, of, fitted.free)
        return std_error * np.sqrt(inflation), free
    if df == "satterthwaite":
        return std_error, information.satterthwaite(
            fitted.sums, of, fitted.nu, fitted.boundary, reml=fitted.restricted
        )
    if df == "residual":
        return std_error, np.asarray(fitted.free, dtype=float)
    return std_error, np.inf if df == "wald" else between_within


def described(
    moments: Moments, fitted: Fitted, n_fixed: int, more: float = 0.0
) -> dict[str, float | None]:
    """Residual SD and lme4's criterion of one data set; `more` is added to a REML one."""
    value = likelihood.criterion(moments, fitted.sums.at, fitted.psi, fitted.restricted, n_fixed)
    criterion = value.item() + (more if fitted.restricted else 0.0)
    return {"sigma": np.sqrt(fitted.sigma2).item(), "r_squared": None, "criterion": criterion}


def refuse(chosen: Chosen) -> str | None:
    """Kenward-Roger under ML: pbkrtest silently fits by REML instead."""
    if chosen["estimator"] == "ml" and chosen["df"] == "kenward_roger":
        return "kenward_roger needs estimator: reml (it is defined for REML only)"
    return None


_ESTIMATORS = {
    "reml": "restricted maximum likelihood [@PattersonThompson1971; @Bates2015]",
    "ml": "full maximum likelihood [@LairdWare1982; @Bates2015]",
}
_DISTRIBUTIONS = {
    "wald": "The statistic is referred to the standard normal distribution (Wald test).",
    "residual": "The statistic is referred to Student's $t$ distribution with $N-{n_fixed}$ "
    "degrees of freedom.",
    "between_within": "The statistic is referred to Student's $t$ distribution with the "
    "between-within degrees of freedom, {between_within} [@PinheiroBates2000].",
    "satterthwaite": "The statistic is referred to Student's $t$ distribution with the "
    "Satterthwaite degrees of freedom from the observed information [@Kuznetsova2017]; they "
    "are {boundary} where {zero}.",
    "kenward_roger": "Both the standard error and the degrees of freedom of Student's $t$ "
    "distribution are those of Kenward and Roger, from the expected information "
    "[@KenwardRoger1997; @HalekohHojsgaard2014].",
}


def account(
    chosen: Chosen,
    n_fixed: str,
    between_within: str = "",
    limits: str = "the cluster variance not below zero",
    zero: str = "the cluster variance is estimated as zero",
) -> str:
    """Estimator and reference distribution in two sentences of a methods section.

    `between_within` says what these degrees of freedom are, with LaTeX, `limits` within what
    the variances are estimated, and `zero` when none is left.
    """
    boundary = f"$N-{n_fixed}$" if chosen["estimator"] == "reml" else "$N$"
    distribution = _DISTRIBUTIONS[chosen["df"]].format(
        n_fixed=n_fixed, between_within=between_within, boundary=boundary, zero=zero
    )
    return f"It is fitted by {_ESTIMATORS[chosen['estimator']]}, with {limits}. {distribution}"


def _default_df(chosen: Chosen) -> str:
    return "wald" if chosen["estimator"] == "ml" else "kenward_roger"


_DF_WORDS = {
    "wald": "z normal infinite inf asymptotic",
    "residual": "",
    "between_within": "bw betwithin nlme containment inner_outer",
    "satterthwaite": "lmertest sat satt",
    "kenward_roger": "kr kroger kenwardroger pbkrtest",
}
_DF_SAID = {
    "wald": "z test",
    "residual": "residual df",
    "between_within": "between-within df",
    "satterthwaite": "Satterthwaite",
    "kenward_roger": "Kenward-Roger",
}


def options(*without: str) -> tuple[Option, Option]:
    """Options `estimator` and `df` of a mixed model, which has all kinds of df but some."""
    kinds = {name: words for name, words in _DF_WORDS.items() if name not in without}
    *others, last = [name for name in reversed(kinds) if name != "wald"]
    return (
        choice(
            "estimator",
            "likelihood",
            "method likelihood estimation fit_method criterion",
            said={"reml": "REML", "ml": "ML"},
            reml="restricted residual_maximum_likelihood restricted_maximum_likelihood",
            ml="full mle maximum_likelihood fiml",
        ),
        choice(
            "df",
            "reference distribution (kenward_roger adjusts the SE)",
            "ddf ddfm dfmethod dof test degrees_of_freedom tests",
            {f"write {', '.join(others)} or {last}: all of them are t tests": "t"},
            default=_default_df,
            said=_DF_SAID,
            always=True,
            **kinds,
        ),
    )


OPTIONS = options()
