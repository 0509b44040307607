"""`fit`: what was asked for is compared, dummies, words as 0 and 1; and `x: {file}` as `fit`."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from helpers_cli import ROOT, TWO_CLASSROOMS, assert_refused, call

import simstudy
from simstudy.analysis import fit as fit_module
from simstudy.analysis.fit import fit
from simstudy.analysis.lines import lines_of
from simstudy.methods._clustered import ENOUGH
from simstudy.report.drawing.clusters import by_cluster
from simstudy.study.study import load

LECTURE = "posttest ~ pretest.c + (1 | classroom.d)"
CLUSTERED = "y ~ x + (1 | cluster)"
REFERENCE = ROOT / "tests" / "reference"
# R 4.2.2: summary(lm(posttest ~ pretest.c + factor(classroom.d)))
LM = {
    "(Intercept)": (69.9666666667, 1.987632259, 35.201011835, 2.310226155e-40),
    "C(classroom.d)[T.1]": (-9.8666666667, 2.810936497, -3.510099455, 8.827095733e-04),
}


def compared(text: str) -> list[str]:
    return text.partition("option  ")[2].splitlines()[1:]


def test_the_methods_that_were_asked_for_are_compared_and_nothing_is_fitted_again(monkeypatch):
    methods = [{"pooled": {"se": "CR1"}}, "gee", "dummy", "cluster_means"]
    fits = fit(TWO_CLASSROOMS, LECTURE, methods)
    monkeypatch.setattr(fit_module, "fit_one", None)
    lines = compared(str(fits))
    names = ["separate (2 lines)", "pooled[se=CR1]", "gee", "dummy for every cluster",
             "cluster_means"]  # fmt: skip
    assert [line.startswith(name) for line, name in zip(lines, names, strict=True)] == [True] * 5
    errors = [one.terms[-1]["std_error"] for one in fits.fits[:3]]
    assert all(f"{e:.4g}" in line for e, line in zip(errors, lines[1:], strict=False))
    assert "not estimable" in lines[-1]


def test_two_clusters_have_the_coefficients_of_lm_with_a_dummy():
    (one,) = fit(TWO_CLASSROOMS, LECTURE, ["dummy"]).as_dict()["fits"]
    assert [term["term"] for term in one["terms"]] == ["pretest.c"]
    found = {t["term"]: [t[k] for k in ("estimate", "std_error", "statistic", "p_value")]
             for t in one["clusters"]}  # fmt: skip
    assert found.keys() == LM.keys()
    for name, right in LM.items():
        assert found[name] == pytest.approx(right, rel=1e-9)
    assert {t["df"] for t in one["clusters"]} == {57}
    text = call("fit", TWO_CLASSROOMS, LECTURE, "--method", "dummy").out
    (line,) = [line for line in text.splitlines() if line.startswith("C(classroom.d)[T.1]")]
    assert line.split()[1:6] == ["-9.8667", "2.8109", "57", "-3.510", "0.0009"]


@pytest.mark.parametrize("name", ["sleepstudy", "hsb82_cses"])
def test_more_clusters_have_them_when_asked(name):
    """Against least squares on the dummies themselves."""
    file = REFERENCE / f"{name}.csv"
    (short,) = fit(file, CLUSTERED, ["dummy"]).fits
    assert not short.clusters and "clusters" not in short.as_dict()
    (one,) = fit(file, CLUSTERED, ["dummy"], clusters=True).fits
    data = fit(file, CLUSTERED, ["dummy"]).data
    codes = np.repeat(np.arange(data.sizes.size), data.sizes)
    design = np.column_stack([np.ones(data.n_obs), codes[:, None] == np.arange(1, data.sizes.size),
                              data.x])  # fmt: skip
    beta, rss, *_ = np.linalg.lstsq(design, data.y, rcond=None)
    sigma2 = rss[0] / (data.n_obs - design.shape[1])
    errors = np.sqrt(sigma2 * np.diag(np.linalg.inv(design.T @ design)))
    assert [t["estimate"] for t in one.clusters] == pytest.approx(beta[:-1].tolist(), rel=1e-8)
    assert [t["std_error"] for t in one.clusters] == pytest.approx(errors[:-1].tolist(), rel=1e-8)
    text = call("fit", file, CLUSTERED, "--clusters", "--method", "dummy").out
    assert f"C(cluster)[T.{data.labels[-1]}]" in text


def test_no_dummies_where_there_is_no_slope_or_a_robust_error(tmp_path):
    file = tmp_path / "d.csv"
    file.write_text("cluster,x,y\na,1,2\na,1,3\nb,0,1\nb,0,5\n")
    for method in ("dummy", {"dummy": {"se": "CR1"}}):
        assert not fit(file, CLUSTERED, [method]).fits[0].clusters
    assert not fit(TWO_CLASSROOMS, LECTURE, [{"dummy": {"se": "CR1"}}]).fits[0].clusters


WORDS = {
    "yes": ("no", "yes"), "treated": ("control", "treated"), "drug": ("Drug", "drug"),
    "b": ("a", "b"),
}  # fmt: skip


@pytest.mark.parametrize("one", WORDS)
def test_two_words_are_0_and_1_as_in_r(tmp_path, one):
    words = WORDS[one]
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"g": np.repeat(["p", "q", "r", "s"], 6), "arm": rng.integers(0, 2, 24)})
    frame["y"] = frame.arm + rng.normal(size=24)
    right = fit(frame, "y ~ arm + (1 | g)").as_dict()["fits"]
    named = frame.assign(arm=[words[k] for k in frame.arm])
    for data in (named, named.astype({"arm": "category"})):
        found = fit(data, "y ~ arm + (1 | g)")
        assert found.as_dict()["fits"] == right
        assert f"\narm: {words[0]} is 0, {words[1]} is 1\n" in str(found)
    named.loc[3, "arm"] = None
    named.to_csv(tmp_path / "d.csv", index=False)
    ran = call("fit", tmp_path / "d.csv", "y ~ arm + (1 | g)", "--json")
    assert ran.code == 0 and json.loads(ran.out)["n_obs"] == 23
    assert f"arm: {words[0]} is 0, {words[1]} is 1\n" in ran.err


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["a", "a", "a", "a"], "holds one word ('a'); a predictor"),
        (["1", "2", "x", "3"], "is not numeric"),
        (["1", "x", "x", "1"], "is not numeric"),
    ],
)
def test_other_words_are_refused(tmp_path, values, message):
    rows = [f"{v},{k}.5,{'pq'[k % 2]}" for k, v in enumerate(values)]
    (tmp_path / "d.csv").write_text("\n".join(["arm,y,g", *rows]))
    assert message in assert_refused(call("fit", tmp_path / "d.csv", "y ~ arm + (1 | g)"))


@pytest.mark.parametrize(
    ("method", "warned"),
    [("gee", True), ("gee: {se: model}", True), ("pooled: {se: CR1S}", True), ("pooled", False),
     ("pooled: {se: CR2}", False), ("random_intercept", False), ("dummy: {se: CR0}", True)],
)  # fmt: skip
@pytest.mark.parametrize("n_clusters", [ENOUGH - 1, ENOUGH])
def test_few_clusters_are_warned_of_in_a_line(tmp_path, method, warned, n_clusters):
    rng = np.random.default_rng(n_clusters)
    cluster = np.repeat(np.arange(n_clusters), 4)
    frame = pd.DataFrame({"cluster": cluster, "x": rng.normal(size=cluster.size)})
    frame["y"] = frame.x + rng.normal(size=n_clusters)[cluster] + rng.normal(size=cluster.size)
    frame.to_csv(tmp_path / "d.csv", index=False)
    ran = call("fit", tmp_path / "d.csv", CLUSTERED, "--method", method)
    assert ran.code == 0
    assert len(ran.err.splitlines()) == (warned and n_clusters < ENOUGH)
    if ran.err:
        assert f"with {n_clusters} clusters" in ran.err and "40 or more" in ran.err


def test_the_figure_says_all_errors_with_the_same_decimals_off_the_units(tmp_path):
    data = fit(TWO_CLASSROOMS, LECTURE, ["pooled"]).data
    views = lines_of(data)
    assert [view.text for view in views] == [
        "slope 0.209 (SE 0.113)", "2 slopes", "slope 0.209 (SE 0.104)", "slope 0.209 (SE 0.104)",
    ]  # fmt: skip
    figure = by_cluster(data.x, data.y, data.sizes, views, ("x", "y", "g"), ["0", "1"])
    figure.canvas.draw()
    for axes, view in zip(figure.axes, views, strict=True):
        (text,) = [t for t in axes.texts if t.get_text() == view.text]
        box, panel = text.get_window_extent(), axes.get_window_extent()
        assert box.y0 >= panel.y1 and box.x1 <= panel.x1
        assert axes.title.get_window_extent().y0 < panel.y1 + 40  # the name stands above it
        left = next(t for t in (axes._left_title,) if t.get_text())
        assert left.get_window_extent().y0 >= box.y1 - 1


@pytest.mark.parametrize("extra", [(), ("--json",)])
def test_fit_says_that_the_figure_is_written(tmp_path, extra):
    file = tmp_path / "lines.png"
    ran = call("fit", TWO_CLASSROOMS, LECTURE, "--figure", file, *extra)
    assert ran.code == 0 and file.exists()
    said = ran.err if extra else ran.out
    assert said.splitlines()[-1] == f"written: {file}"
    if extra:
        json.loads(ran.out)


STUDY = """\
name: s
seed: 1
replications: 20
scenarios: {icc: 0.1, slope: 0, x: {file: x.csv, column: pre, cluster: school}}
methods: [pooled]
"""


def given(tmp_path, rows):
    (tmp_path / "x.csv").write_text("\n".join(["school,pre", *rows]) + "\n")
    (tmp_path / "s.yaml").write_text(STUDY)
    return tmp_path / "s.yaml"


ROWS = ["a,1", "a,2", "b,4", "b,3", "c,1", "c,1.5"]


def test_a_predictor_from_a_file_leaves_incomplete_rows_out_and_says_so(tmp_path):
    whole = load(given(tmp_path, ROWS))
    config = given(tmp_path, ["a,NA", *ROWS, ",3", "d,"])
    assert load(config).designs[0].id == whole.designs[0].id
    x = pd.DataFrame([row.split(",") for row in ROWS], columns=["school", "pre"])
    x["pre"] = x.pre.astype(float)
    means = x.groupby("school").pre.transform("mean")
    between = ((means - x.pre.mean()) ** 2).sum() / 2
    within = ((x.pre - means) ** 2).sum() / 3
    icc = (between - within) / (between + within)
    line = f"x x.csv:pre by school: 3 clusters, 6 units, x_icc {icc:.3g}"
    for verb, more in (("plan", ()), ("run", ("--results", tmp_path))):
        ran = call(verb, config, *more)
        assert ran.code == 0 and line in ran.out.splitlines()
        assert ran.err == "x.csv:pre by school: 3 rows with missing values dropped\n"
    text = (tmp_path / "s" / "report" / "methods.md").read_text()
    assert f"The intraclass correlation of the predictor was {icc:.3g}" in text
    assert "3 rows without a predictor or a cluster were left out" in text


def test_a_predictor_of_whole_clusters_has_an_icc_of_1_and_words_are_coded(tmp_path):
    config = given(tmp_path, ["a,no", "a,no", "b,yes", "b,yes", "b,yes", "c,no"])
    ran = call("run", config, "--results", tmp_path)
    assert ran.code == 0
    assert "x x.csv:pre by school: 3 clusters, 6 units, x_icc 1; 0 is no, 1 is yes" in ran.out
    assert "coded 0 for no and 1 for yes" in (tmp_path / "s" / "report" / "methods.md").read_text()
    found = simstudy.Results.open(tmp_path / "s").study.designs[0].scenario.given
    assert found.values.tolist() == [0, 0, 1, 1, 1, 0]


def test_a_file_without_a_complete_row_is_refused(tmp_path):
    line = assert_refused(call("run", given(tmp_path, ["a,NA", ",3"])))
    assert "no row has both a predictor and a cluster" in line
