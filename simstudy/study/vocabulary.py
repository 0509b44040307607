"""Other people's words for what stands in a study file, by the place where it stands.

Every value is a word that is legal at that place, or says in several words what is written
instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from simstudy.errors import folded, nearest
from simstudy.study import fields

_UNITS = "write n_clusters and cluster_size: their product is the number of units"
_VARIANCES = "write icc = tau2 / (tau2 + sigma2), and within_variance or total_variance"
_WITHIN = "write within_variance, the square of the standard deviation in clusters"
_SD = "write total_variance, the square of the standard deviation of y given x"
SCENARIO = {
    **dict.fromkeys(
        ("j", "k", "g", "clusters", "groups", "schools", "sites", "centers", "centres",
         "n_groups", "n_schools", "n_sites", "n_centers", "n_cluster", "num_clusters",
         "number_of_clusters", "level2_n", "n2", "n_level2", "n_classes", "n_subjects"),
        "n_clusters",
    ),
    **dict.fromkeys(
        ("n", "m", "size", "cluster_sizes", "group_size", "units", "n_j", "nj", "n_per_cluster",
         "per_cluster", "class_size", "pupils", "n_pupils", "students", "n1", "n_level1",
         "n_within", "units_per_cluster", "mean_size", "observations_per_cluster"),
        "cluster_size",
    ),
    **dict.fromkeys(("N", "n_obs", "sample_size", "total_n", "n_total", "n_units"), _UNITS),
    **dict.fromkeys(
        ("rho", "rho_y", "icc_y", "y_icc", "intraclass_correlation", "icc1", "vpc", "rho_e",
         "intra_class_correlation"),
        "icc",
    ),
    **dict.fromkeys(("rho_x", "icc_x", "xicc", "iccx", "x_rho", "predictor_icc"), "x_icc"),
    **dict.fromkeys(
        ("beta", "effect", "b", "effect_size", "delta", "b1", "beta1", "beta_1", "d", "es",
         "treatment_effect", "coefficient", "theta", "true_slope", "gamma10"),
        "slope",
    ),
    **dict.fromkeys(
        ("beta0", "beta_0", "b0", "constant", "alpha_0", "gamma00", "mu", "grand_mean", "const"),
        "intercept",
    ),
    **dict.fromkeys(("variance", "omega2", "var_y"), "total_variance"),
    **dict.fromkeys(
        ("sigma2", "sigma_squared", "residual_variance", "error_variance", "var_e", "sigma_2"),
        "within_variance",
    ),
    **dict.fromkeys(("sd", "sd_y"), _SD),
    **dict.fromkeys(("sigma", "residual_sd", "sigma_e", "noise"), _WITHIN),
    **dict.fromkeys(
        ("tau", "tau2", "tau_squared", "tau00", "between_variance", "var_u", "sigma_u",
         "random_intercept_variance"),
        _VARIANCES,
    ),
    **dict.fromkeys(
        ("contextual", "gamma", "context_effect", "compositional_effect", "gamma01"),
        "contextual_effect",
    ),
    **dict.fromkeys(
        ("between_slope", "between_effect", "slope_between", "beta_b"),
        "write contextual_effect, the between-cluster slope minus slope",
    ),
    **dict.fromkeys(
        ("within_slope", "within_effect", "slope_within", "beta_w"), "slope",
    ),
    **dict.fromkeys(
        ("predictor", "x_type", "treatment", "exposure", "covariate", "x_distribution"), "x"
    ),
    **dict.fromkeys(
        ("cv", "size_cv", "cluster_size_cv"), "write cluster_size: {mean: 20, cv: 0.5}"
    ),
}  # fmt: skip
TOP = {
    **dict.fromkeys(
        ("reps", "rep", "nsim", "nsims", "n_sim", "n_sims", "nrep", "nreps", "n_reps", "b",
         "n_replications", "iterations", "n_iter", "niter", "simulations", "n_simulations",
         "num_sims", "runs", "repetitions", "r"),
        "replications",
    ),
    **dict.fromkeys(
        ("level", "significance", "sig_level", "significance_level", "alpha_level", "p_threshold"),
        "alpha",
    ),
    **dict.fromkeys(("confidence", "conf_level", "confidence_level", "ci_level"),
                    "write alpha, 1 minus the confidence level"),
    **dict.fromkeys(("random_seed", "rng", "set_seed", "random_state", "rngseed"), "seed"),
    **dict.fromkeys(
        ("conditions", "design", "designs", "factors", "grid", "parameters", "params", "dgm",
         "data", "populations", "cells", "settings"),
        "scenarios",
    ),
    **dict.fromkeys(
        ("models", "estimators", "analyses", "analysis", "model", "estimator", "fits"), "methods"
    ),
    **dict.fromkeys(("baseline", "comparator", "benchmark", "control", "versus"), "reference"),
    **dict.fromkeys(("description", "aims", "question", "goal", "purpose", "abstract"), "aim"),
    **dict.fromkeys(("id", "study", "project"), "name"),
    **dict.fromkeys(("heading", "caption"), "title"),
    **dict.fromkeys(("output", "outputs"), "report"),
    **dict.fromkeys(("figures", "plots", "figure", "graphs"), "write report: {figures: [...]}"),
    **dict.fromkeys(
        ("measure", "performance", "performance_measures"),
        "every measure is in summary.csv; summarize --measure M shows one",
    ),
    **dict.fromkeys(
        ("estimand", "estimands", "truth"),
        "write it at a method: random_intercept: {estimand: icc}",
    ),
    **dict.fromkeys(
        ("null", "null_value", "h0"), "write it at a method: pooled: {null_value: 0.3}"
    ),
    **dict.fromkeys(("label", "labels"), "write it at a method: pooled: {label: TEXT}"),
    **dict.fromkeys(("jobs", "n_jobs", "cores", "workers", "parallel", "n_cores"),
                    "say it to the command: run --jobs N"),
}  # fmt: skip
SIZE = {
    **dict.fromkeys(("average", "mu", "m", "mean_size"), "mean"),
    **dict.fromkeys(("coefficient_of_variation",), "cv"),
    **dict.fromkeys(("sd", "variance", "std"), "write cv, the standard deviation over the mean"),
    **dict.fromkeys(("range", "min", "max", "low", "high", "between", "from", "runif"),
                    "write {uniform: [5, 35]}"),
    **dict.fromkeys(("lambda", "rate", "rpois"), "poisson"),
    **dict.fromkeys(("list", "values", "given", "fixed", "n"), "sizes"),
}  # fmt: skip
GAMMA = "write {mean: 20, cv: 0.5}: a gamma distribution of the sizes"
SIZE |= dict.fromkeys(("gamma", "lognormal", "negbin", "negative_binomial"), GAMMA)
X = {
    **dict.fromkeys(("gaussian", "continuous", "rnorm", "standard_normal", "numeric"), "normal"),
    **dict.fromkeys(
        ("bernoulli", "dichotomous", "0_1", "0/1", "dummy", "treatment", "two_arm", "arm"),
        "binary",
    ),
    **dict.fromkeys(("blocked", "stratified", "within", "paired", "multisite"), "binary_blocked"),
    **dict.fromkeys(
        ("given", "csv", "data", "fixed", "real"),
        "write {file: FILE.csv, column: COLUMN, cluster: COLUMN}",
    ),
}  # fmt: skip
X_FILE = {
    **dict.fromkeys(("path", "csv", "data", "filename"), "file"),
    **dict.fromkeys(("variable", "x", "predictor", "col", "field"), "column"),
    **dict.fromkeys(("group", "school", "clusters", "id", "cluster_id", "groups"), "cluster"),
}  # fmt: skip
FIGURES = {  # besides the synonyms that each has
    **dict.fromkeys(
        ("bias", "mse", "rmse", "empirical_se"), "it is in tables: summarize RESULTS --measure M"
    ),
    **dict.fromkeys(("type2", "type2_error", "type_2_error", "type_ii_error"),
                    "write power, 1 minus the type 2 error rate"),
}  # fmt: skip
GRAIN = {
    **dict.fromkeys(("units", "individual", "row", "long", "data"), "rows"),
    **dict.fromkeys(("cluster", "groups", "group"), "clusters"),
    **dict.fromkeys(("aggregate", "totals", "pool"), "pooled"),
}


def hint(key: object, known: Iterable[str], words: Mapping[str, str]) -> str:
    """As `nearest`, of the keys of one place, and where a key of another place belongs."""
    text = folded(str(key))
    scenario, top = (
        {folded(name): name for name in names} | of
        for names, of in ((fields.SCENARIO_FIELDS, SCENARIO), (fields.TOP_FIELDS, TOP))
    )
    if text not in words and words is TOP and text in scenario:
        return _elsewhere(scenario[text], "stands under scenarios")
    if text not in words and words is SCENARIO and text in top:
        return _elsewhere(top[text], "stands at the top level")
    return nearest(key, known, words)


def _elsewhere(meant: str, where: str) -> str:
    return f"; {meant}" if " " in meant else f"; '{meant}' {where}"
