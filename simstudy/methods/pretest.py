"""Pooled, unless a look at the data says random intercept."""

from __future__ import annotations

from typing import Any

import numpy as np

from simstudy.entries import Chosen, Entry, Predictors, choice, register, registered
from simstudy.estimates import COMPONENTS, NUMBERS, Estimates
from simstudy.moments import Bools, Floats, Moments
from simstudy.numerics import anova, gram, likelihood, weighted

# 50:50 mixture of chi2(0) and chi2(1) at level .05 (Self & Liang 1987; Stram & Lee 1994)
_CRITICAL = 1.6448536269514722**2
_TOO_LARGE = 2.0  # design effect (Muthen & Satorra 1995)


def fit(moments: Moments, *, by: str, term: str = "slope") -> Estimates:
    """Fit both models and report the one that a test or a rule of thumb chooses.

    Every replication's row is that of its chosen model; variances are NaN where pooled.

    Parameters
    ----------
    moments : Pooled or Clusters
    by : {"likelihood_ratio", "design_effect"}
        Random intercept (REML, Kenward-Roger) where the REML likelihood ratio test of
        tau2 = 0 rejects at .05 (Self & Liang 1987, J. Am. Stat. Assoc. 82:605-610), or
        where 1 + (mean size - 1) ICC of y exceeds 2 (Muthen & Satorra 1995, Sociol.
        Methodol. 25:267-316), and where either cannot be had.
    term : {"slope", "intercept"}
    """
    pooled, multilevel = (model.fit(moments, **options, term=term) for model, options in _models())
    chosen = _multilevel(moments, multilevel, by)
    columns: Any = {}
    for name in (*NUMBERS, "outcome", *COMPONENTS):
        of_pooled = getattr(pooled, name)
        columns[name] = np.where(
            chosen, getattr(multilevel, name), np.nan if of_pooled is None else of_pooled
        )
    return Estimates(**columns)


def _models() -> list[tuple[Entry, Chosen]]:
    """Both models with their usual options."""
    models = [registered()[name] for name in ("pooled", "random_intercept")]
    return [(model, model.settle({})[0]) for model in models]


def _multilevel(moments: Moments, multilevel: Estimates, by: str) -> Bools:
    """Which replications take the random intercept: those where the data do not say no."""
    if by == "design_effect":
        return ~(anova.design_effect_of_y(moments) <= _TOO_LARGE)
    return ~(_likelihood_ratio(moments, multilevel) <= _CRITICAL)


def _likelihood_ratio(moments: Moments, multilevel: Estimates) -> Floats:
    """Fall of the REML criterion from tau2 = 0 to the estimate; NaN where there is none."""
    assert multilevel.tau2 is not None and multilevel.sigma2 is not None
    inner = gram.within(moments)

    def criterion(psi: Floats) -> Floats:
        at = weighted.line(moments, inner, psi)
        return likelihood.criterion(moments, at, psi, True, moments.n_fixed)

    psi = multilevel.tau2 / multilevel.sigma2
    return criterion(np.zeros_like(psi)) - criterion(psi)


def describe(moments: Moments, *, by: str) -> dict[str, float | None]:
    """Fit statistics of the chosen model of one data set."""
    pooled, (multilevel, options) = _models()
    chosen = _multilevel(moments, multilevel.fit(moments, **options), by)
    model, options = (multilevel, options) if chosen.item() else pooled
    assert model.describe is not None
    return model.describe(moments, **options)


_RULES = {
    "likelihood_ratio": "the likelihood ratio test of a cluster variance of zero, by restricted "
    "maximum likelihood and with the mixture of $\\chi^2_0$ and $\\chi^2_1$ as reference, "
    "rejects at level .05 [@SelfLiang1987; @StramLee1994]",
    "design_effect": "the estimated design effect $1+(\\bar n-1)\\hat\\rho_y$ exceeds 2 "
    "[@MuthenSatorra1995], with the analysis-of-variance estimator of the intraclass "
    "correlation of $y$ [@DonnerKoval1980]",
}


def _account(chosen: Chosen, predictors: Predictors) -> str:
    return (
        "A choice between two analyses in every data set: the linear mixed model with a random "
        "intercept (restricted maximum likelihood; standard error and degrees of freedom of "
        f"Kenward and Roger) [@KenwardRoger1997] where {_RULES[chosen['by']]}, or where that "
        "cannot be computed; and otherwise ordinary least squares over all units, with the "
        f"classical standard error and $N-{predictors.columns}$ degrees of freedom."
    )


register(
    Entry(
        name="pretest",
        title="Pretest",
        summary="pooled, or random_intercept where the data ask for it",
        grain="pooled",
        fit=fit,
        describe=describe,
        options=(
            choice(
                "by",
                "test of tau2 = 0 at .05, or design effect of y over 2",
                "rule test criterion method with",
                always=True,
                likelihood_ratio="lr lrt rlrt chibar",
                design_effect="deff deft kish",
            ),
        ),
        synonyms="preliminary_test two_step pre_test pretested model_selection select_model "
        "conditional",
        variants={
            "by: likelihood_ratio": "lrt lr_test rlrt",
            "by: design_effect": "deff_rule deff_over_2",
        },
        estimands=lambda chosen: ("slope", "intercept"),
        account=_account,
    )
)
