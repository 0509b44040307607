"""Other people's words for what stands in a study file, by the place where it stands.

Every value is a word that is legal at that place, or says in several words what is written
instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from simstudy.errors import folded, meanings, nearest
from simstudy.generators.part import registered
from simstudy.generators.resampled import WORDS as COLUMN_OF_FILE
from simstudy.generators.shape_families import FAMILIES
from simstudy.generators.shapes import NORMAL
from simstudy.study import fields

SCENARIO = meanings(
    {
        "write n_clusters and cluster_size: their product is the number of units":
            "N n_obs sample_size total_n n_total n_units",
        "write total_variance, the square of the standard deviation of y given x":
            "sd sd_y",
        "write within_variance, the square of the standard deviation in clusters":
            "sigma residual_sd sigma_e noise",
        "write icc = tau2 / (tau2 + sigma2), and within_variance or total_variance":
            "tau tau2 tau_squared tau00 between_variance var_u sigma_u "
            "random_intercept_variance",
        "write contextual_effect, the between-cluster slope minus slope": "between_slope "
            "between_effect slope_between beta_b",
        "write cluster_size: {mean: 20, cv: 0.5}": "cv size_cv cluster_size_cv",
        "write slope_sd, the square root of the variance of the slopes": "slope_variance tau11 "
            "random_slope_variance var_v slope_var tau_11 t11 var_slope sigma2_v sigma2_u1",
        "write slope_correlation: the covariance over both standard deviations":
            "slope_covariance tau01 tau10 tau_01 cov_uv",
        "write covariates: {NAME: {icc: 0.2, slope: 0.5}}": "pretest baseline ancova x2 w "
            "covariate_effect covariate_icc covariate_slope rho_z icc_z beta2 b2 gamma_z",
        "no product of predictors is drawn; write slope_sd: slopes of x vary at random":
            "moderator moderators interaction interactions cross_level cross_level_interaction",
        "write it at a method: random_intercept: {omit: [baseline]}": "omit adjust adjusted "
            "unadjusted adjustment",
        "write it at a method: pooled: {level: 3}": "level clustered_by cluster_by",
        **{to: words for part in registered().values() for to, words in part.advice.items()},
    },
    n_clusters="j k g clusters groups schools sites centers centres n_groups n_schools n_sites "
        "n_centers n_cluster num_clusters number_of_clusters level2_n n2 n_level2 n_classes "
        "n_subjects",
    cluster_size="n m size cluster_sizes group_size units n_j nj n_per_cluster per_cluster "
        "class_size pupils n_pupils students n1 n_level1 n_within units_per_cluster mean_size "
        "observations_per_cluster",
    icc="rho rho_y icc_y y_icc intraclass_correlation icc1 vpc rho_e intra_class_correlation",
    x_icc="rho_x icc_x xicc iccx x_rho predictor_icc",
    slope="beta effect b effect_size delta b1 beta1 beta_1 d es treatment_effect coefficient "
        "theta true_slope gamma10 within_slope within_effect slope_within beta_w",
    intercept="beta0 beta_0 b0 constant alpha_0 gamma00 mu grand_mean const",
    total_variance="variance omega2 var_y",
    within_variance="sigma2 sigma_squared residual_variance var_e sigma_2",
    contextual_effect="contextual gamma context_effect compositional_effect gamma01",
    x="predictor x_type treatment exposure x_distribution",
    data="generator dgp dgm simulate draw data_generator generate own_data",
    covariates="covariate covs cov z controls control_variables predictors confounders xs "
        "independent_variables level1_predictors level2_predictors",
    slope_sd="sd_slope random_slope random_slopes random_slope_sd tau1 tau_1 slopes_sd sigma_v "
        "sd_v sigma_u1 effect_sd slope_heterogeneity treatment_heterogeneity",
    slope_correlation="slope_cor random_effects_correlation rho01 rho_01 r01 cor_uv corr_uv "
        "intercept_slope_correlation rho_uv",
    **{part.name: part.synonyms for part in registered().values()},
)  # fmt: skip
TOP = meanings(
    {
        "write alpha, 1 minus the confidence level": "confidence conf_level confidence_level "
            "ci_level",
        "write report: {figures: [...]}": "figures plots figure graphs",
        "every measure is in summary.csv; summarize --measure M shows one": "measure performance "
            "performance_measures",
        "write it at a method: random_intercept: {estimand: icc}": "estimand estimands truth",
        "write it at a method: pooled: {null_value: 0.3}": "null null_value h0",
        "write it at a method: pooled: {label: TEXT}": "label",
        "write it at a method: random_intercept: {omit: [baseline]}": "omit adjust adjusted "
            "unadjusted",
        "write replications: {mcse: {rejection_rate: 0.005}, min: 1000, max: 1000000}": "mcse "
            "precision monte_carlo_se target_mcse tolerance stop stopping stopping_rule "
            "max_replications min_replications",
        "say it to the command: run --jobs N": "jobs n_jobs cores workers parallel n_cores",
    },
    replications="reps rep nsim nsims n_sim n_sims nrep nreps n_reps b n_replications iterations "
        "n_iter niter simulations n_simulations num_sims runs repetitions r",
    alpha="level significance sig_level significance_level alpha_level p_threshold",
    seed="random_seed rng set_seed random_state rngseed",
    scenarios="conditions design designs factors grid parameters params dgm data populations "
        "cells settings",
    methods="models estimators analyses analysis model estimator fits",
    reference="baseline comparator benchmark control versus",
    aim="description aims question goal purpose abstract",
    name="id study project",
    title="heading caption",
    claims="claim hypotheses hypothesis assertions assertion expectations expectation statements "
        "conclusions findings assert expect",
    report="output outputs",
    labels="words display names naming rename relabel captions",
    store="keep save storage stored storing save_estimates keep_estimates keep_rows save_rows "
        "retain",
)  # fmt: skip
_SHAPED = {
    word: f"write normal, and beside it x_shape: {family.written}"
    for family in FAMILIES.values()
    if family.name not in fields.X_KEYS
    for word in (family.name, *family.synonyms.split())
    if family != NORMAL.family and word not in fields.X_KINDS
}
X = _SHAPED | meanings(
    {
        "write {file: FILE.csv, column: COLUMN, cluster: COLUMN}": "given csv data fixed real",
        "write time, and beside it autocorrelation: 0.4": "ar1 ar autoregressive corar1 ar_1",
    },
    normal="gaussian continuous rnorm standard_normal numeric",
    binary="bernoulli dichotomous 0_1 0/1 dummy treatment two_arm arm",
    time="order wave occasion trend period visit",
    binary_blocked="blocked stratified within paired multisite",
)  # fmt: skip
X_FILE = _SHAPED | COLUMN_OF_FILE | meanings(
    column="x predictor",
    cluster="group school clusters id cluster_id groups",
)  # fmt: skip
FIGURES = meanings(  # besides the synonyms that each has
    {
        "it is in tables: summarize RESULTS --measure M": "bias mse rmse empirical_se",
        "write power, 1 minus the type 2 error rate": "type2 type2_error type_2_error "
            "type_ii_error",
    },
)  # fmt: skip
FIGURE_OPTIONS = meanings(
    x="across axis x_axis xaxis abscissa along",
    y="y_axis yaxis ordinate",
    panels="facets facet columns rows by grid panel facet_wrap facet_grid",
    measure="measures value z fill statistic",
    target="line targets goal power reference_line hline",
    categories="categorical discrete factor category",
    scenario="scenarios where filter subset",
    methods="method only models",
    title="caption heading name main",
    width="size figsize w",
)
LABELS = meanings(
    methods="method models analyses estimators",
    factors="factor fields columns variables scenarios parameters axes",
    levels="level values value categories",
    measures="measure metrics statistics performance",
)
GRAIN = meanings(
    rows="units individual row long data",
    clusters="cluster groups group",
    pooled="aggregate totals pool",
)


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
