"""What is said of a word that is not known: forty typos, forty foreign words, no opposite.

``PYTHONPATH=tests python tests/cli/test_words.py`` prints the table as Markdown.
"""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest
from helpers_cli import call

from simstudy.errors import UserError, nearest
from simstudy.estimands import ESTIMANDS, OTHER_NAMES
from simstudy.generators import sizes
from simstudy.measures import names
from simstudy.measures.catalog import MEASURES
from simstudy.plots import other_names, plots
from simstudy.registry import methods
from simstudy.study import covariate_fields, fields, vocabulary
from simstudy.study.methods import method_of
from simstudy.study.study import load
from simstudy.study.yaml_lines import parse
from simstudy.words import synonyms

SCENARIO = {"n_clusters": 4, "cluster_size": 5, "icc": 0.1, "x_icc": 0.0, "slope": 0}
STUDY = {"name": "a", "seed": 1, "replications": 10, "scenarios": SCENARIO, "methods": ["pooled"]}

# (place, what is written, how the message ends); a "method" is an entry under methods:
TYPOS = [
    ("method", "poold", "did you mean 'pooled'?"),
    ("method", "Pooled", "did you mean 'pooled'?"),
    ("method", "dumy", "did you mean 'dummy'?"),
    ("method", "random-intercept", "did you mean 'random_intercept'?"),
    ("method", "RandomIntercept", "did you mean 'random_intercept'?"),
    ("method", "random_intercpt", "did you mean 'random_intercept'?"),
    ("method", "within_betwen", "did you mean 'within_between'?"),
    ("method", "wild_bootsrap", "did you mean 'wild_bootstrap'?"),
    ("method", "cluster_mean", "did you mean 'cluster_means'?"),
    ("method", "pooled: {see: CR2}", "did you mean 'se'?"),
    ("method", "pooled: {se: cr2}", "did you mean 'CR2'?"),
    ("method", "pooled: {se: Cr1s}", "did you mean 'CR1S'?"),
    ("method", "pooled: {se: moultn}", "did you mean 'moulton'?"),
    ("method", "random_intercept: {df: kenward-roger}", "did you mean 'kenward_roger'?"),
    ("method", "random_intercept: {df: satterthwite}", "did you mean 'satterthwaite'?"),
    ("method", "random_intercept: {estimator: REML}", "did you mean 'reml'?"),
    ("method", "random_intercept: {estimator: rmel}", "did you mean 'reml'?"),
    ("method", "pooled: {lable: a}", "did you mean 'label'?"),
    ("method", "within_between: {effect: betwen}", "did you mean 'between'?"),
    ("method", "random_intercept: {estimand: tau-2}", "did you mean 'tau2'?"),
    ("method", "wild_bootstrap: {weights: rademaker}", "did you mean 'rademacher'?"),
    ("field", "ICC", "did you mean 'icc'?"),
    ("field", "x_ic", "did you mean 'x_icc'?"),
    ("field", "slop", "did you mean 'slope'?"),
    ("field", "n_clutsers", "did you mean 'n_clusters'?"),
    ("field", "cluster_szie", "did you mean 'cluster_size'?"),
    ("field", "total_varience", "did you mean 'total_variance'?"),
    ("key", "replicatoins", "did you mean 'replications'?"),
    ("key", "sed", "did you mean 'seed'?"),
    ("key", "scenario", "did you mean 'scenarios'?"),
    ("key", "tittle", "did you mean 'title'?"),
    ("figure", "powr", "did you mean 'power'?"),
    ("figure", "se_baise", "did you mean 'se_bias'?"),
    ("x", "normall", "did you mean 'normal'?"),
    ("measure", "covrage", "did you mean 'coverage'?"),
    ("measure", "rejection_rat", "did you mean 'rejection_rate'?"),
    ("measure", "typ1_error", "did you mean 'type1_error'?"),
    ("cli", "runn a.yaml", "did you mean 'run'?"),
    ("cli", "summarise x", "did you mean 'summarize'?"),
    ("cli", "summarize x --formt csv", "did you mean '--format'?"),
]
FOREIGN = [
    ("method", "lmm", "did you mean 'random_intercept'?"),
    ("method", "mixedlm", "did you mean 'random_intercept'?"),
    ("method", "random_effects", "did you mean 'random_intercept'?"),
    ("method", "ols", "did you mean 'pooled'?"),
    ("method", "reg", "did you mean 'pooled'?"),
    ("method", "fixed_effects", "did you mean 'dummy'?"),
    ("method", "areg", "did you mean 'dummy'?"),
    ("method", "xtreg", "write dummy (fe), random_intercept (re) or cluster_means (be)"),
    ("method", "CR2", "write `pooled: {se: CR2}`"),
    ("method", "cluster_robust", "write `pooled: {se: CR1S}`"),
    ("method", "sandwich", "write `pooled: {se: CR1S}`"),
    ("method", "KR", "write `random_intercept: {df: kenward_roger}`"),
    ("method", "REML", "write `random_intercept: {estimator: reml}`"),
    ("method", "webb", "write `wild_bootstrap: {weights: webb}`"),
    ("method", "gee_exchangeable", "did you mean 'gee'?"),
    ("method", "mundlak", "did you mean 'within_between'?"),
    ("method", "contextual", "write `within_between: {effect: contextual}`"),
    ("method", "t-test", "write pooled (all units) or cluster_means (one mean a cluster): with a "
     "binary x these are t tests"),
    ("method", "pooled: {se: HC1}", "write CR1 or CR1S: HC1 is for independent units, these are "
     "for clusters"),
    ("method", "pooled: {se: stata}", "did you mean 'CR1S'?"),
    ("method", "pooled: {vcov: CR2}", "did you mean 'se'?"),
    ("method", "random_intercept: {df: z}", "did you mean 'wald'?"),
    ("method", "random_intercept: {df: t}", "write kenward_roger, satterthwaite, between_within "
     "or residual: all of them are t tests"),
    ("method", "random_intercept: {REML: false}", "write estimator: reml or ml"),
    ("method", "wild_bootstrap: {B: 999}", "did you mean 'draws'?"),
    ("method", "random_intercept: {estimand: tau_squared}", "did you mean 'tau2'?"),
    ("field", "J", "did you mean 'n_clusters'?"),
    ("field", "k", "did you mean 'n_clusters'?"),
    ("field", "m", "did you mean 'cluster_size'?"),
    ("field", "rho_x", "did you mean 'x_icc'?"),
    ("field", "beta", "did you mean 'slope'?"),
    ("field", "sigma", "write within_variance, the square of the standard deviation in clusters"),
    ("field", "alpha", "'alpha' stands at the top level"),
    ("key", "nsim", "did you mean 'replications'?"),
    ("key", "rho", "'icc' stands under scenarios"),
    ("figure", "type2_error", "write power, 1 minus the type 2 error rate"),
    ("measure", "emp_se", "did you mean 'empirical_se'?"),
    ("measure", "type1", "did you mean 'type1_error'?"),
    ("cli", "run a.yaml --cores 3", "did you mean '--jobs'?"),
    ("cli", "summarize x --format md", "did you mean 'markdown'?"),
]  # fmt: skip

COVARIATES = [
    ("field", "covs", "did you mean 'covariates'?"),
    ("field", "covarites", "did you mean 'covariates'?"),
    ("field", "controls", "did you mean 'covariates'?"),
    ("field", "random_slope_sd", "did you mean 'slope_sd'?"),
    ("field", "slopesd", "did you mean 'slope_sd'?"),
    ("field", "slope_correlaton", "did you mean 'slope_correlation'?"),
    ("field", "tau11", "write slope_sd, the square root of the variance of the slopes"),
    ("field", "tau01", "write slope_correlation: the covariance over both standard deviations"),
    ("field", "rho01", "did you mean 'slope_correlation'?"),
    ("field", "moderator", "no product of predictors is drawn; write slope_sd: slopes of x vary "
     "at random"),
    ("field", "pretest", "write covariates: {NAME: {icc: 0.2, slope: 0.5}}"),
    ("field", "omit", "write it at a method: random_intercept: {omit: [baseline]}"),
    ("key", "covariates", "'covariates' stands under scenarios"),
    ("key", "covs", "'covariates' stands under scenarios"),
    ("key", "omit", "write it at a method: random_intercept: {omit: [baseline]}"),
    ("covariate", "slop", "did you mean 'slope'?"),
    ("covariate", "beta", "did you mean 'slope'?"),
    ("covariate", "rho_z", "did you mean 'icc'?"),
    ("covariate", "corelation", "did you mean 'correlation'?"),
    ("covariate", "cor", "did you mean 'correlation'?"),
    ("covariate", "level", "write icc: 0 of a unit's own, 1 of whole clusters"),
    ("covariate", "r2", "write slope, in units of the covariate's standard deviation"),
    ("covariate", "cor_x", "write correlation: {x: r}"),
    ("covariate", "levels", "write a binary covariate for every group but one"),
    ("correlation", "sexx", "did you mean 'sex'?"),
    ("model", "pooled: {estimand: base_line}", "did you mean 'baseline'?"),
    ("model", "pooled: {omit: [baselin]}", "did you mean 'baseline'?"),
    ("model", "pooled: {omit: sex}", "known: baseline, ses"),
    ("model", "pooled: {exclude: [ses]}", "did you mean 'omit'?"),
    ("model", "pooled: {adjust_for: [ses]}", "write omit: the covariates that are left out; all "
     "others are in the model"),
    ("method", "pooled: {omit: [ses]}", "there are none"),
    ("method", "random_slopes", "did you mean 'random_slope'?"),
]  # fmt: skip


def message(place: str, written: str) -> str:
    """What is said of it, without the place that every message begins with."""
    if place == "cli":
        return call(*written.split()).err.strip().partition(" (see ")[0]
    with pytest.raises(UserError) as caught:
        if place == "method":
            method_of(parse(written).data)
        elif place == "model":
            method_of(parse(written).data, covariates=("baseline", "ses"))
        elif place == "covariate":
            covariates = {"a": {"icc": 0.1, written: 1}}
            load({**STUDY, "scenarios": {**SCENARIO, "covariates": covariates}})
        elif place == "correlation":
            covariates = {"a": {"icc": 0.1, "correlation": {written: 0.1}}, "sex": {"icc": 0}}
            load({**STUDY, "scenarios": {**SCENARIO, "covariates": covariates}})
        elif place == "measure":
            names.asked(written, MEASURES)
        elif place == "x":
            load({**STUDY, "scenarios": {**SCENARIO, "x": written}})
        elif place == "field":
            load({**STUDY, "scenarios": {**SCENARIO, written: 1}})
        elif place == "figure":
            load({**STUDY, "report": {"figures": [written]}})
        else:
            load({**STUDY, written: 1})
    return str(caught.value)


@pytest.mark.parametrize(("place", "written", "end"), TYPOS + FOREIGN + COVARIATES)
def test_a_hint_says_what_is_written_instead(place: str, written: str, end: str):
    assert message(place, written).endswith(f"; {end}")


@pytest.mark.parametrize(
    ("place", "written", "hint"),
    [
        ("method", "welch", "write `cluster_means: {df: welch}`"),
        ("method", "cluster_means: {df: unequal_variances}", "did you mean 'welch'?"),
        ("method", "cluster_means: {unequal_variances: true}", "write df: welch"),
        ("method", "cluster_means: {var_equal: false}", "write df: residual or wald or welch"),
    ],
)
def test_words_for_a_test_of_unequal_variances(place, written, hint):
    assert hint in message(place, written)


def test_there_are_forty_of_each():
    assert len(set(TYPOS)) == len(set(FOREIGN)) == 40


@pytest.mark.parametrize(
    ("place", "written", "never"),
    [
        ("method", "unpooled", "'pooled'?"),
        ("method", "fixed_intercept", "'random_intercept'"),
        ("method", "random_pooled", "did you mean 'pooled'"),
        ("method", "gee: {se: nonrobust}", "'robust'?"),
        ("method", "gee: {se: model_robust}", "'model'?"),
        ("method", "pooled: {se: nonclassical}", "'classical'?"),
        ("method", "cluster_means: {weights: unequal}", "'equal'?"),
        ("method", "wild_bootstrap: {p: asymmetric}", "'symmetric'?"),
        ("method", "wild_bootstrap: {p: unequal_tailed}", "'equal_tailed'?"),
        ("method", "random_intercept: {estimator: non_reml}", "'reml'?"),
        ("method", "random_intercept: {REML: no}", "write estimator: reml\n"),
        ("method", "random_intercept: {estimand: between_slope}", "mean 'slope'"),
        ("method", "pooled: {estimand: icc2}", "'icc'?"),
        ("method", "dummy: {se: moultn}", "moulton"),
        ("method", "gee: {df: satterthwaite}", "did you mean"),
        ("key", "x_iccs", "did you mean"),
        ("field", "between_slope", "mean 'slope'"),
        ("field", "N", "mean 'cluster_size'"),
        ("x", "nonnormal", "mean 'normal'"),
        ("figure", "type2_error", "type1_error"),
        ("figure", "bias", "se_bias"),
        ("measure", "type2_error", "type1_error"),
        ("measure", "rejection_rate_lowr_bound", "upper"),
        ("measure", "rejection_rate_uper_bound", "lower"),
        ("cli", "summarize x --upper a", "--ci-low'"),
        ("cli", "run a.yaml --no-jobs", "'--jobs'"),
    ],
)
def test_no_hint_points_to_the_opposite_or_to_what_is_not_legal_there(place, written, never):
    assert never not in message(place, written) + "\n"


def test_words_of_methods_lead_to_entries_that_are_read():
    known = methods()
    words = synonyms(known)
    for word, meant in words.items():
        if entry := re.match(r"write `([^`]+)`", meant):
            assert method_of(parse(entry[1]).data).name in known
        elif " " not in meant:
            assert meant in known
        assert word not in known
    every = [
        word
        for entry in known.values()
        for word in " ".join([entry.synonyms, *entry.variants.values()]).split()
    ]
    assert len(every) == len(set(every))  # a word means one thing


def test_words_of_options_lead_to_their_values():
    for entry in methods().values():
        taken = [option.name for option in entry.options]
        for option in entry.options:
            assert not set(option.synonyms.split()) & set(taken)
            taken += option.synonyms.split()
            for word, value in option.foreign.items():
                assert value in option.values or " " in value
                assert word not in [known.lower() for known in option.values]


@pytest.mark.parametrize(
    ("words", "known"),
    [
        (vocabulary.SCENARIO, fields.SCENARIO_FIELDS),
        (vocabulary.TOP, fields.TOP_FIELDS),
        (sizes.WORDS, sizes.KEYS),
        (vocabulary.X, fields.X_KINDS),
        (vocabulary.X_FILE, fields.X_KEYS),
        (covariate_fields.WORDS, covariate_fields.SUMMARIES),
        (covariate_fields.LEVEL_WORDS, covariate_fields.LEVELS),
        (other_names() | vocabulary.FIGURES, plots()),
        (names.WORDS, [*MEASURES, *names.OF_TRUTH]),
        (OTHER_NAMES, ESTIMANDS),
    ],
)
def test_words_lead_to_what_is_legal(words: dict[str, str], known: Any):
    assert not set(words) & set(known)
    assert all(meant in known or " " in meant for meant in words.values())


def test_a_name_that_looks_the_same_is_not_suggested_for_itself():
    assert nearest("groupe\u0301", ["groupe\u0301", "y"]).startswith("; known:")
    assert nearest("groupe\u0301", ["group\u00e9", "y"]) == "; did you mean 'group\u00e9'?"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("pooled: CR2", "write `pooled: {se: CR2}`"),
        ("random_intercept: kr", "write `random_intercept: {df: kenward_roger}`"),
        ("{pooled: null, se: CR2}", "write `pooled: {se: CR2}`, or indent the options further"),
    ],
)
def test_an_option_that_stands_in_the_wrong_place_is_put_right(written: str, said: str):
    assert said in message("method", written)


if __name__ == "__main__":
    lines = ["| place | written | message |", "|:--|:--|:--|"]
    for title, cases in (("typo", TYPOS), ("foreign word", FOREIGN), ("covariates", COVARIATES)):
        for place, written, _ in cases:
            said = message(place, written).replace("|", "\\|").replace("`", "'")
            lines.append(f"| {title}, {place} | `{written}` | {said} |")
    sys.stdout.write("\n".join(lines) + "\n")
