"""Cluster-robust and Moulton standard errors of a regression, and their options.

Names are clubSandwich's; CR1S is Stata's.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from simstudy.entries import Chosen, Option, choice
from simstudy.estimates import Outcome
from simstudy.methods._assemble import PERFECT, spread, unless, varying
from simstudy.moments import Array, Bools, Factor, Floats, Ints, Moments, Numbers
from simstudy.numerics import gram, robust

ROBUST = ("CR0", "CR1", "CR1S", "CR2", "CR3")
_MEAT = {"CR1": "CR0", "CR1S": "CR0"}  # these two differ from CR0 by a factor


class Error(NamedTuple):
    """Standard error of a contrast of unit length in the coordinates of L, shape (R,)."""

    unit: Floats
    df: Floats
    outcome: Array


def options(*more: str) -> tuple[Option, Option]:
    """Options `se` and `df` of a least-squares method; `more` are kinds of `se` it has besides."""
    others: dict[str, Any] = dict.fromkeys(more, "")
    return (
        choice(
            "se",
            "standard error",
            "vcov vce vcovtype cov_type type std_error std_err ses standard_error "
            "standard_errors robust",
            {
                "write CR1 (times J/(J - 1)), CR1S (Stata's) or CR2 (bias-reduced)":
                    "robust cluster clustered cluster_robust sandwich crve",
                "write CR1 or CR1S: HC1 is for independent units, these are for clusters": "hc1",
                "write CR2: HC2 is for independent units, CR2 is for clusters": "hc2",
                "write CR3: HC3 is for independent units, CR3 is for clusters": "hc3",
            },
            default=lambda chosen: "classical",
            said={"moulton": "Moulton", "classical": "classical SE"},
            classical="ols conventional iid naive model default nonrobust const",
            CR0="hc0 white liang_zeger huber_white",
            CR1="cv1",
            CR1S="stata vce_cluster cr1p",
            CR2="cv2 bell_mccaffrey brl bias_reduced",
            CR3="cv3 jackknife",
            **others,
        ),
        choice(
            "df",
            "of t: residual, infinite, J - 1, or Bell-McCaffrey's",
            "ddf ddfm dof test distribution degrees_of_freedom",
            {"write residual (N - 2), clusters (J - 1) or satterthwaite: all of them are t tests":
                "t"},
            default=_default_df,
            said={"wald": "z test", "residual": "residual df", "clusters": "J-1 df",
                  "satterthwaite": "Satterthwaite"},
            residual="n_k n_2 ols",
            wald="z normal infinite inf asymptotic",
            clusters="j_1 g_1 stata",
            satterthwaite="bell_mccaffrey satt bm sw",
        ),
    )  # fmt: skip


def _default_df(chosen: Chosen) -> str:
    if chosen["se"] not in ROBUST:
        return "residual"
    return "satterthwaite" if chosen["se"] in ("CR2", "CR3") else "clusters"


_ERRORS = {
    "classical": "the classical one, which supposes independent residuals of equal variance",
    "CR0": "the cluster-robust (sandwich) one without a correction, CR0 [@LiangZeger1986]",
    "CR1": "the cluster-robust one with the variance multiplied by $J/(J-1)$, CR1 "
    "[@LiangZeger1986; @CameronMiller2015]",
    "CR1S": "the cluster-robust one with the variance multiplied by "
    "$\\frac{{J}}{{J-1}}\\frac{{N-1}}{{N-{columns}}}$, CR1S, which is that of Stata "
    "[@LiangZeger1986; @CameronGelbachMiller2008]",
    "CR2": "the cluster-robust one with bias-reduced linearization, CR2 [@BellMcCaffrey2002]",
    "CR3": "the cluster-robust one with the correction that approximates the jackknife over "
    "clusters, CR3 [@BellMcCaffrey2002]",
    "moulton": "the classical one multiplied by the square root of "
    "$1+\\{{V(n_j)/\\bar n+\\bar n-1\\}}\\hat\\rho_x\\hat\\rho_e$, with the "
    "intraclass correlations of the predictor and of the residuals as estimated in the data "
    "[@Moulton1986; @AngristPischke2009]",
}
_DISTRIBUTIONS = {
    "residual": "Student's $t$ distribution with {residual} degrees of freedom",
    "wald": "the standard normal distribution",
    "clusters": "Student's $t$ distribution with $J-1$ degrees of freedom [@CameronMiller2015]",
    "satterthwaite": "Student's $t$ distribution with the Satterthwaite degrees of freedom of "
    "Bell and McCaffrey [@BellMcCaffrey2002; @PustejovskyTipton2018]",
}


def account(chosen: Chosen, columns: str) -> str:
    """Standard error and reference distribution in two sentences of a methods section.

    `columns` is what is taken from N in the residual df, as LaTeX.
    """
    error = _ERRORS[chosen["se"]].format(columns=columns)
    return f"The standard error is {error}. {referred(chosen['df'], f'$N-{columns}$')}"


def referred(df: str, residual: str = "") -> str:
    """Reference distribution in a sentence of a methods section."""
    return f"The statistic is referred to {_DISTRIBUTIONS[df].format(residual=residual)}."


def refuse(chosen: Chosen) -> str | None:
    """Satterthwaite's df is that of a cluster-robust variance."""
    if chosen["df"] == "satterthwaite" and chosen["se"] not in ROBUST:
        return f"satterthwaite needs a cluster-robust se ({', '.join(ROBUST)}), not {chosen['se']}"
    return None


def is_robust(chosen: Chosen) -> bool:
    """Whether the standard error is made of the clusters' scores."""
    return chosen["se"] in ROBUST


def grain(chosen: Chosen) -> str:
    """The cluster-robust errors need every cluster's moments."""
    return "clusters" if is_robust(chosen) else "pooled"


def reference(df: str, residual: Numbers, n_clusters: int, satterthwaite: Floats) -> Numbers:
    """Degrees of freedom of the t test by name."""
    if df == "satterthwaite":
        return satterthwaite
    return {"residual": residual, "wald": np.inf, "clusters": n_clusters - 1}[df]


def without_residuals(moments: Moments) -> Bools:
    """Whether the line goes through the means of all clusters, whatever y, shape (R,).

    Then x is constant in each, nothing is left between clusters, and an error that is made
    of what is left there is 0 by construction.
    """
    inner = gram.within(moments)
    left = moments.n_clusters - moments.n_fixed + varying(inner)
    return np.asarray((inner.a == 0) & (left == 0))


def sandwich(
    scores: robust.Scores,
    se: str,
    moments: Moments,
    columns: Ints | int,
    total: Factor,
    outcome: Array,
    zero: Bools,
    contrast: list[Floats] | None = None,
) -> Error:
    """Cluster-robust standard error.

    Parameters
    ----------
    scores : Scores
    se : {"CR0", "CR1", "CR1S", "CR2", "CR3"}
        CR1 = J / (J - 1) CR0; CR1S = J / (J - 1) (N - 1) / (N - columns) CR0.
    columns : int
        Of the design matrix, dummies included.
    total : Factor, shape (R,)
        Cross-products of all units; y's are the scale of rounding.
    outcome : array, shape (R,)
        Of the regression; where that is ok and the error does not exist, it says so.
    zero : array of bool, shape (R,)
        Whether the scores of all clusters are 0 by construction.
    contrast : list of arrays, shape (R,), optional
        Of unit length, in the axes of `scores`; without it, the slope.
    """
    estimated = robust.sandwich(scores, _MEAT.get(se, se), contrast)
    unit, j = np.sqrt(estimated.variance), moments.n_clusters
    if se in _MEAT and j > 1:
        unit = unit * np.sqrt(j / (j - 1))
    if se == "CR1S":
        unit = unit * np.sqrt((moments.n_obs - 1) / (moments.n_obs - columns))
    outcome = with_clusters(outcome, j)
    missing = ~(estimated.exists & ~zero & (unit > PERFECT * spread(total)))
    return Error(unit, estimated.df, unless(outcome, missing, Outcome.NO_STD_ERROR))


def moulton(
    classical: Floats,
    moments: Moments,
    total: Factor,
    contrast: list[Floats] | None,
    outcome: Array,
) -> Error:
    """Classical standard error times the square root of the Moulton factor.

    Parameters
    ----------
    classical : array, shape (R,)
        Residual SD, sqrt(RSS / (N - 2)).
    contrast : list of arrays, shape (R,), optional
        As for `sandwich`.
    """
    unknown = np.full_like(classical, np.nan)
    outcome = with_clusters(outcome, moments.n_clusters)
    if moments.n_clusters < 2:
        return Error(unknown, unknown, outcome)
    icc = robust.residual_icc(moments, total)
    factor = 1.0 + icc * robust.pair_sum(moments, total, contrast)
    exists = (factor > PERFECT) & ~without_residuals(moments)
    outcome = unless(outcome, ~exists, Outcome.NO_STD_ERROR)
    return Error(classical * np.sqrt(np.maximum(factor, 0.0)), unknown, outcome)


def with_clusters(outcome: Array, n_clusters: int) -> Array:
    """Outcome of a fit whose test rests on the clusters: one is too few."""
    return unless(outcome, n_clusters < 2, Outcome.FEW_CLUSTERS)


ENOUGH = 40  # clusters, from which corrections for few of them matter little


def few(n_clusters: int, what: str, instead: str) -> str | None:
    """Why an uncorrected standard error is not to be trusted with so few clusters, if so."""
    if n_clusters >= ENOUGH:
        return None
    return (
        f"with {n_clusters} clusters {what} is too small on average and the test rejects too "
        f"often; it is for {ENOUGH} or more (with fewer: {instead})"
    )


def caution(chosen: Chosen, n_clusters: int) -> str | None:
    """The same of the robust errors that do not correct for it."""
    if chosen["se"] not in ("CR0", "CR1", "CR1S"):
        return None
    return few(n_clusters, f"the {chosen['se']} standard error", "se: CR2")
