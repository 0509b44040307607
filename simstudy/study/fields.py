"""What may stand in a study file, as data; the schema and the checks read it."""

from __future__ import annotations

from typing import Any

from simstudy.forms import Number
from simstudy.generators import parts  # noqa: F401  # all parts register themselves
from simstudy.generators.part import described, registered

N_CLUSTERS = Number("clusters, J", low=2, high=1_000_000, integer=True)
SCENARIO_NUMBERS = {
    "icc": Number(
        "intraclass correlation of the residual: tau2 / (tau2 + sigma2)", 0, 1, high_open=True
    ),
    "x_icc": Number("share of the predictor's variance that lies between clusters", 0, 1),
    "slope": Number("true (within-cluster) slope of y on x", -1e6, 1e6),
    "intercept": Number("true intercept", -1e6, 1e6),
    "total_variance": Number("tau2 + sigma2, the variance of y given x", 0, 1e12, low_open=True),
    "within_variance": Number(
        "sigma2, instead of total_variance, which then is sigma2 / (1 - icc)",
        0,
        1e12,
        low_open=True,
    ),
    "contextual_effect": Number("between-cluster slope minus within-cluster slope", -1e6, 1e6),
    "slope_sd": Number("SD of the slope of x over clusters, per unit of x", 0, 1e6),
    "slope_correlation": Number(
        "correlation of a cluster's slope of x with its effect at x = 0", -1, 1
    ),
}
# what figures and tables call a field, within a sentence; a part of a design has its own words
WORDS = {
    "n_clusters": "clusters",
    "cluster_size": "cluster size",
    "icc": "ICC of y",
    "slope": "slope",
    "intercept": "intercept",
    "x_icc": "ICC of x",
    "total_variance": "total variance",
    "within_variance": "variance within clusters",
    "contextual_effect": "contextual effect",
    "slope_sd": "SD of the slope",
    "slope_correlation": "correlation of slope and effect",
    "n_obs": "units",
    "design_effect": "design effect",
}
COVARIATE_WORDS = {
    "icc": "ICC",
    "slope": "slope",
    "type": "type",
    "column": "column",
    "correlation": "correlations",
}
DEFAULTS: dict[str, Any] = {
    "intercept": 0.0,
    "total_variance": 1.0,
    "contextual_effect": 0.0,
    "x": "normal",
    "slope_sd": 0.0,
    "slope_correlation": 0.0,
    **{part.name: part.text(part.default) for part in registered().values()},
}
# a stored study says nothing of them where it did not
SILENT = {"slope_sd", "slope_correlation", *registered()}
FACTORED = tuple(part.name for part in registered().values() if part.factors)
COVARIATE_DEFAULTS: dict[str, Any] = {"slope": 0.0, "type": "normal"}
SCENARIO_FIELDS = ("n_clusters", "cluster_size", *SCENARIO_NUMBERS, "x", "covariates", "data",
                   *registered())  # fmt: skip
DATA = (
    "a generator of your own: {use: FILE.py:FUNCTION}, and its options, lists of which are factors"
)
COVARIATE_KINDS = ("normal", "binary", "binary_blocked")
X_KINDS = (*COVARIATE_KINDS, "time")
X_KEYS = ("file", "column", "cluster")
TOP_NUMBERS = {
    "seed": Number(
        "any whole number; with it every data set can be made again", 0, 2**64 - 1, integer=True
    ),
    "replications": Number("replications of every scenario", 1, 1e12, integer=True),
    "alpha": Number("nominal level of the tests", 0, 1, low_open=True, high_open=True),
}
REQUIRED = ("name", "seed", "replications", "scenarios", "methods")
TOP_FIELDS = {
    "name": "results go to results/NAME",
    "title": "a line for tables and figures",
    "aim": "the question, for the methods paragraph",
    **{key: number.summary for key, number in TOP_NUMBERS.items()},
    "scenarios": "every list is a factor, crossed with the others; or a list of such grids",
    "methods": "names, or a name with options",
    "reference": "label of the method with which the others are compared, data set by data set",
    "grain": "how data are held: pooled, clusters or rows (default: the coarsest that suffices)",
    "measures": "measures of your own, beside the built-in ones: [{use: FILE.py:FUNCTION}]",
    "labels": "words for what figures and tables show: {methods: {gee: GEE}, factors: {icc: ICC}}",
    "claims": "what the results are to show: [type1_error of pooled > 0.1 where icc >= 0.2]",
    "report": "figures: [...]; tables: {measures, rows, columns}; page: false for no index.html",
    "store": "what is kept of replications: rows (default), summary: totals, or {sample: K}: both",
}


def named(field: str) -> str:
    """A field as readers know it, within a sentence: ICC of y, clusters, ICC of baseline."""
    if (said := described(field)) is not None:
        return said[0]
    match field.split("."):
        case [covariate, "correlation", other, *level]:
            return " ".join([f"cor({covariate}, {other})", *level])
        case [covariate, own] if own in COVARIATE_WORDS:
            return f"{COVARIATE_WORDS[own]} of {covariate}"
    return WORDS.get(field, field)


def is_default(field: str, level: Any) -> bool:
    """Whether a field of a scenario, or of a covariate (``baseline.slope``), is as if not given."""
    of, _, own = field.partition(".")
    if of == "data":  # its options are the user's own
        return False
    defaults = COVARIATE_DEFAULTS if own else DEFAULTS
    name = own or field
    return name in defaults and bool(level == defaults[name])
