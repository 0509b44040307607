"""Worlds that mean nothing, or are written wrong: one line that says where, what and what else."""

from __future__ import annotations

import pytest
from helpers_cli import assert_refused, call, listing

from simstudy.errors import UserError
from simstudy.study.study import load

# a line a field, so that a test can say on which line the mistake is
START = """\
name: bad
seed: 1
replications: 20
methods: [pooled]
scenarios:
  n_clusters: 8
  icc: 0.2
  slope: 0
"""
NORMAL = "  cluster_size: 6\n  x_icc: 0.3\n"  # what follows stands on line 11
SIZES = "  cluster_size: {uniform: [3, 9]}\n  x_icc: 0.3\n"
ARMS = "  cluster_size: 6\n  x: binary\n  x_icc: 1\n"  # then on line 12

# name -> (what follows START, line of the mistake, what the message must hold)
BAD: dict[str, tuple[str, int, tuple[str, ...]]] = {
    # what means nothing there
    "arms of a normal x": (
        NORMAL + "  error_variance: {arms: 4}", 11,
        ("scenarios.error_variance: ", "binary x", "x is normal"),
    ),
    "effects of arms of a normal x": (
        NORMAL + "  cluster_variance: [none, {arms: 4}]", 11,
        ("scenarios.cluster_variance[1]: ", "x is normal"),
    ),
    "treated of a normal x": (
        NORMAL + "  treated: 0.2", 11, ("scenarios.treated: ", "binary x", "x is normal"),
    ),
    "a variance that goes by a binary x": (
        ARMS + "  error_variance: {x: 0.5}", 12, ("scenarios.error_variance: ", "{arms: RATIO}"),
    ),
    "a shape of a binary x": (
        ARMS + "  x_shape: uniform", 12, ("scenarios.x_shape: ", "normal x", "x is binary"),
    ),
    "equal sizes inform of nothing": (
        NORMAL + "  informative_size: [0, 0.5]", 11,
        ("scenarios.informative_size[1]: ", "cluster sizes", "equal"),
    ),
    "slopes that do not vary": (
        SIZES + "  informative_slope: 0.5", 11, ("scenarios.informative_slope: ", "slope_sd is 0"),
    ),
    "x without a cluster part": (
        "  cluster_size: 6\n  x_icc: [0.3, 0]\n  endogeneity: 0.3", 11,
        ("scenarios.endogeneity: ", "x_icc 0"),
    ),
    "correlations that none have": (
        SIZES + "  endogeneity: 0.8\n  informative_size: 0.8", 11,
        ("scenarios.endogeneity: ", "informative_size 0.8", "squares"),
    ),
    "slopes that none have": (
        SIZES + "  slope_sd: 0.2\n  slope_correlation: 0.9\n  informative_slope: 0.9", 12,
        ("scenarios.slope_correlation: ", "-0.4359 to 0.4359"),
    ),
    "shaped errors that follow each other": (
        NORMAL + "  autocorrelation: 0.4\n  errors: {t: 5}", 12,
        ("scenarios.errors: ", "leave out autocorrelation"),
    ),
    "x_icc of time": (
        NORMAL + "  x: time", 10, ("scenarios.x_icc: does not go with x: time",),
    ),
    "groups that do not fit": (
        NORMAL + "  third_level: {clusters: 3, icc: 0.1}", 11,
        ("scenarios.third_level: 8 clusters", "groups of 3"),
    ),
    "one group": (
        NORMAL + "  third_level: {clusters: 8, icc: 0.1}", 11,
        ("scenarios.third_level: 8 clusters", "two or more groups"),
    ),
    "more between groups than between clusters": (
        NORMAL + "  third_level: {clusters: 4, icc: [0.1, 0.3]}", 11,
        ("scenarios.third_level: ", "icc 0.3 is above icc 0.2"),
    ),
    "more of x between groups than between clusters": (
        NORMAL + "  third_level: {clusters: 4, icc: 0.1, x_icc: 0.5}", 11,
        ("scenarios.third_level: ", "x_icc 0.5 is above x_icc 0.3"),
    ),
    "half of a treatment between groups": (
        ARMS + "  third_level: {clusters: 4, icc: 0.1, x_icc: 0.5}", 12,
        ("scenarios.third_level: ", "x_icc 0.5 is neither 0 nor 1"),
    ),
    "loss by a shaped x": (
        NORMAL + "  x_shape: uniform\n  missing: {units: 0.2, by: x}", 12,
        ("scenarios.missing: ", "normal x"),
    ),
    # what is written wrong
    "a number for a mapping": (
        NORMAL + "  missing: 0.2", 11, ("scenarios.missing: ", "; write {units: 0.2}"),
    ),
    "a share in percent": (
        ARMS + "  treated: 50%", 12, ("scenarios.treated: ", "'50%'; write 0.5"),
    ),
    "the size of a group alone": (
        NORMAL + "  third_level: 4", 11,
        ("scenarios.third_level: ", "; write {clusters: 4, icc: 0.05}"),
    ),
    "a variance": (
        NORMAL + "  error_variance: 4", 11,
        ("scenarios.error_variance: ", "{clusters: CV}; the variance itself is within_variance"),
    ),
    "a shape without its parameter": (
        NORMAL + "  errors: [normal, t]", 11, ("scenarios.errors[1]: 't' needs df: {t: 5}",),
    ),
    "an infinite fourth moment": (
        NORMAL + "  errors: {t: 3}", 11, ("scenarios.errors.t: 3 is not in (4, ",),
    ),
    "levels inside a shape": (
        NORMAL + "  cluster_effects: {t: [5, 10]}", 11,
        ("scenarios.cluster_effects.t: ", "; write [{t: 5}, {t: 10}]"),
    ),
    "two variances": (
        NORMAL + "  error_variance: {clusters: 0.5, x: 1}", 11,
        ("scenarios.error_variance: expected {clusters: CV}, {arms: RATIO} or {x: k}",),
    ),
    "a share of all": (
        NORMAL + "  missing: {units: 1}", 11, ("scenarios.missing.units: 1 is not in [0, 1)",),
    ),
    "loss by y": (
        NORMAL + "  missing: {units: 0.2, by: y}", 11, ("scenarios.missing.by: 'y'", "write x"),
    ),
    "a key of no group": (
        NORMAL + "  third_level: {groups: 4, icc: 0.1}", 11,
        ("scenarios.third_level.groups: unknown key; write clusters",),
    ),
    "an autocorrelation of 1": (
        NORMAL + "  autocorrelation: 1", 11, ("scenarios.autocorrelation: 1 is not in (-1, 1)",),
    ),
    "an infinite ratio of errors": (
        ARMS + "  error_variance: {arms: .inf}", 12, ("scenarios.error_variance.arms: inf",),
    ),
    "nothing": (NORMAL + "  cluster_effects:", 11, ("scenarios.cluster_effects: ", "nothing")),
    "the same shape twice": (
        NORMAL + "  errors: [{t: 5}, {t: 5.0}]", 11, ("scenarios.errors[1]: ", "twice"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_world_is_refused_in_one_line(name, tmp_path):
    text, line, parts = BAD[name]
    file = tmp_path / "bad.yaml"
    file.write_text(f"{START}{text}\n", encoding="utf-8")
    said = assert_refused(call("run", file, "--results", tmp_path / "results"))
    assert said.startswith(f"{file}:{line}: "), said
    assert all(part in said for part in parts), said
    assert listing(tmp_path) == ["bad.yaml"]


PLAIN = {"n_clusters": 8, "cluster_size": 6, "icc": 0.2, "x_icc": 0.3, "slope": 0}
WORDS = [  # field, value, how the message ends
    ("heteroscedasticity", 1, "did you mean 'error_variance'?"),
    ("varIdent", 1, "did you mean 'error_variance'?"),
    ("ar1", 0.4, "did you mean 'autocorrelation'?"),
    ("corAR1", 0.4, "did you mean 'autocorrelation'?"),
    ("dropout", 0.2, "did you mean 'missing'?"),
    ("level-3", 5, "did you mean 'third_level'?"),
    ("threelevel", 5, "did you mean 'third_level'?"),
    ("allocation_ratio", 0.2, "did you mean 'treated'?"),
    ("residuals", "normal", "did you mean 'errors'?"),
    ("rand_dist", "normal", "did you mean 'cluster_effects'?"),
    ("partially nested", 0, "did you mean 'cluster_variance'?"),
    ("informative_cluster_size", 0.3, "did you mean 'informative_size'?"),
    ("endogenous", 0.3, "did you mean 'endogeneity'?"),
    (
        "skewness",
        2,
        "write errors, cluster_effects or, of a normal x, x_shape: {t: 5} or another shape",
    ),
    ("varPower", 2, "write error_variance: {x: k}, proportional to exp(k x)"),
    ("cluster_effects", "skewed", "did you mean '{chi_square: 3}'?"),
    ("errors", "student", "did you mean '{t: 5}'?"),
    ("errors", {"student": 5}, "did you mean 't'?"),
    ("errors", "exponential", "write {chi_square: 2}, which is an exponential distribution"),
    ("x", "ar1", "write time, and beside it autocorrelation: 0.4"),
    ("x", "occasion", "did you mean 'time'?"),
    ("x", "lognormal", "write normal, and beside it x_shape: {lognormal: 1}"),
    ("x", {"chi_square": 3}, "write normal, and beside it x_shape: {chi_square: 3}"),
    ("error_variance", {"ratio": 4}, "did you mean 'arms'?"),
    ("error_variance", {"cv": 0.5}, "did you mean 'clusters'?"),
    ("missing", {"rate": 0.2}, "did you mean 'units'?"),
    ("missing", {"clusters": 0.2}, "write {units: SHARE, by: cluster} for whole clusters"),
    ("third_level", {"rho": 0.1}, "did you mean 'icc'?"),
    ("icc", "20%", "write 0.2"),
]


@pytest.mark.parametrize(("field", "value", "end"), WORDS)
def test_other_words_for_a_world_lead_to_ours(field, value, end):
    study = {"name": "a", "seed": 1, "replications": 10, "methods": ["pooled"]}
    with pytest.raises(UserError) as caught:
        load(study | {"scenarios": PLAIN | {field: value}})
    assert str(caught.value).endswith(f"; {end}")


@pytest.mark.parametrize("written", ["200%", "-20%", "0.2", "20 percent", "%"])
def test_what_is_no_share_is_not_turned_into_one(written):
    study = {"name": "a", "seed": 1, "replications": 10, "methods": ["pooled"]}
    with pytest.raises(UserError, match="expected a number") as caught:
        load(study | {"scenarios": PLAIN | {"icc": written}})
    assert "write" not in str(caught.value)
