"""What the random-intercept models share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simstudy.entries import Chosen, Option
from simstudy.moments import Bools, Factor, Floats, Ints, Moments
from simstudy.numerics import information, likelihood, reml, weighted
from simstudy.numerics.information import Contrast
from simstudy.numerics.weighted import Sums

_DF = ("wald", "residual", "between_within", "satterthwaite", "kenward_roger")


class Fitted(NamedTuple):
    """A model at its optimum; arrays of shape (R,)."""

    sums: Sums
    psi: Floats
    boundary: Bools
    sigma2: Floats
    nu: Ints | int  # divisor of RSS
    free: Ints | int  # N less the fixed effects
    restricted: bool


def optimum(moments: Moments, within: Factor, estimator: str, n_fixed: int = 2) -> Fitted:
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


def error_and_df(
    found: Fitted, of: Contrast, df: str, between_within: Floats | float
) -> tuple[Floats, Floats | float]:
    """Standard error of a contrast and the df of its t test.

    Parameters
    ----------
    found : Fitted
    of : Contrast
    df : {"wald", "residual", "between_within", "satterthwaite", "kenward_roger"}
        kenward_roger also adjusts the standard error.
    between_within : array or float
        Between-within df of this contrast (SAS, nlme).
    """
    std_error = np.sqrt(found.sigma2 * of.variance)
    if df == "kenward_roger":
        free, inflation = information.kenward_roger(found.sums, of, found.free)
        return std_error * np.sqrt(inflation), free
    if df == "satterthwaite":
        return std_error, information.satterthwaite(
            found.sums, of, found.nu, found.boundary, reml=found.restricted
        )
    if df == "residual":
        return std_error, np.asarray(found.free, dtype=float)
    return std_error, np.inf if df == "wald" else between_within


def described(
    moments: Moments, found: Fitted, n_fixed: int = 2, more: float = 0.0
) -> dict[str, float | None]:
    """Residual SD and lme4's criterion of one data set; `more` is added to a REML one."""
    value = likelihood.criterion(moments, found.sums.at, found.psi, found.restricted, n_fixed)
    criterion = value.item() + (more if found.restricted else 0.0)
    return {"sigma": np.sqrt(found.sigma2).item(), "r_squared": None, "criterion": criterion}


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
    "are {boundary} where the cluster variance is estimated as zero.",
    "kenward_roger": "Both the standard error and the degrees of freedom of Student's $t$ "
    "distribution are those of Kenward and Roger, from the expected information "
    "[@KenwardRoger1997; @HalekohHojsgaard2014].",
}


def account(chosen: Chosen, n_fixed: int, between_within: str) -> str:
    """Estimator and reference distribution in two sentences of a methods section.

    `between_within` says what these degrees of freedom are, with LaTeX.
    """
    boundary = f"$N-{n_fixed}$" if chosen["estimator"] == "reml" else "$N$"
    distribution = _DISTRIBUTIONS[chosen["df"]].format(
        n_fixed=n_fixed, between_within=between_within, boundary=boundary
    )
    estimator = _ESTIMATORS[chosen["estimator"]]
    return f"It is fitted by {estimator}, with the cluster variance not below zero. {distribution}"


def _default_df(chosen: Chosen) -> str:
    return "wald" if chosen["estimator"] == "ml" else "kenward_roger"


OPTIONS = (
    Option(
        "estimator",
        ("reml", "ml"),
        lambda chosen: "reml",
        "likelihood",
        synonyms=("method", "likelihood", "estimation", "fit_method", "criterion"),
        foreign={
            "restricted": "reml",
            "residual_maximum_likelihood": "reml",
            "restricted_maximum_likelihood": "reml",
            "full": "ml",
            "mle": "ml",
            "maximum_likelihood": "ml",
            "fiml": "ml",
        },
    ),
    Option(
        "df",
        _DF,
        _default_df,
        "reference distribution (kenward_roger adjusts the SE)",
        synonyms=("ddf", "ddfm", "dfmethod", "dof", "test", "degrees_of_freedom", "tests"),
        foreign={
            "z": "wald",
            "normal": "wald",
            "infinite": "wald",
            "inf": "wald",
            "asymptotic": "wald",
            "kr": "kenward_roger",
            "kroger": "kenward_roger",
            "kenwardroger": "kenward_roger",
            "pbkrtest": "kenward_roger",
            "lmertest": "satterthwaite",
            "sat": "satterthwaite",
            "satt": "satterthwaite",
            "bw": "between_within",
            "betwithin": "between_within",
            "nlme": "between_within",
            "containment": "between_within",
            "inner_outer": "between_within",
            "t": "write kenward_roger, satterthwaite, between_within or residual: all of "
            "them are t tests",
        },
    ),
)
