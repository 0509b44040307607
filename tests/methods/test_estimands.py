"""What methods estimate, what their tests are about, and what a rate is called therefore."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from helpers_cli import call
from helpers_figures import OF_SUMMARY, draw
from helpers_simulation import study

import simstudy
from simstudy.errors import UserError
from simstudy.estimands import ESTIMANDS, is_null
from simstudy.estimates import Outcome
from simstudy.generators.scenario import Scenario
from simstudy.generators.sizes import SizeRule
from simstudy.generators.source import Source
from simstudy.methods import random_intercept
from simstudy.moments import Clusters
from simstudy.numerics.shared import shared
from simstudy.plots import plots
from simstudy.registry import configure, methods
from simstudy.report import example_rows, tables
from simstudy.report.drawing.matrix import matrix
from simstudy.report.drawing.style import series
from simstudy.report.drawing.view import View
from simstudy.report.pivot import wide
from simstudy.report.table_files import selection
from simstudy.report.words import words_of
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.fields import SCENARIO_FIELDS
from simstudy.study.study import load

pytestmark = pytest.mark.slow

CONTEXT = {"n_clusters": 30, "cluster_size": 20, "icc": 0.1, "x_icc": 0.3, "slope": 0,
           "contextual_effect": 0.6}  # fmt: skip
LABEL = "within_between[effect=contextual]"
EFFECT = {"within_between": {"effect": "contextual"}}
OWN = '''
import numpy as np
import simstudy


@simstudy.method
def own_icc(data):
    """ICC of y by analysis of variance, with a rough standard error."""
    groups = data.groupby("cluster").y
    n, j = len(data) / data.cluster.nunique(), data.cluster.nunique()
    between = n * groups.mean().var()
    within = groups.var().mean()
    icc = (between - within) / (between + (n - 1) * within)
    return icc, np.sqrt(2 / j) * (1 - icc) * (1 + (n - 1) * icc) / n


@simstudy.method(grain="clusters", estimand="intercept")
def level(moments):
    y = moments.mean_y
    return y.mean(axis=0), y.std(axis=0, ddof=1) / np.sqrt(len(y)), len(y) - 1


@simstudy.method(grain="clusters")
def sampled(moments):
    """The mean of y, held against the mean of x in the same data set."""
    y = moments.mean_y
    error = y.std(axis=0, ddof=1) / np.sqrt(len(y))
    return {"estimate": y.mean(axis=0), "std_error": error, "truth": moments.mean_x.mean(axis=0)}


@simstudy.method(grain="clusters")
def given(moments):
    return {"estimate": moments.mean_y.mean(axis=0), "std_error": 1.0, "p_value": 0.25}
'''


def rows(found, measure, label):
    frame = found.summary
    return frame[(frame.measure == measure) & (frame.method == label)]


def value(found, measure, label):
    (number,) = rows(found, measure, label).value
    return number


@pytest.fixture(scope="module")
def contextual(tmp_path_factory):
    """A slope of 0 and a contextual effect of .6: one method's null is true, another's is not."""
    between = {"within_between": {"effect": "between", "null_value": 0.6}}
    listed = ["random_intercept", EFFECT, between, {"random_intercept": {"estimand": "icc"}}]
    one = study(CONTEXT, listed, 2000, report={"figures": list(plots())})
    return simstudy.run(one, jobs=1, results=tmp_path_factory.mktemp("contextual"))


def texts(figure):
    return [text.get_text() for at in figure.axes for text in at.texts] + [
        text.get_text() for text in figure.texts
    ]


def of_estimates(found, name):
    example = example_rows.example(found.study, ResultsFolder(found.folder), found.summary_table())
    return plots()[name].draw(example._replace(title="", reference=None))


def assert_drawn(found):
    """Every figure of a study, without the seconds that its files take."""
    for name, plot in plots().items():
        drawn = of_estimates(found, name) if plot.reads == "rows" else None
        assert (drawn or draw(name, found.summary_table())).axes, name


# the list


def test_every_estimand_has_its_true_value():
    one = Scenario(10, SizeRule("fixed", (5,)), 0.2, 0.5, 0.3, 2.0, 4.0, 0.1)
    assert {name: estimand.value(one) for name, estimand in ESTIMANDS.items()} == pytest.approx(
        {"slope": 0.3, "intercept": 2.0, "icc": 0.2, "tau2": 0.8, "sigma2": 3.2,
         "total_variance": 4.0, "contextual_effect": 0.1, "between_slope": 0.4,
         "slope_units": 0.3, "slope_clusters": 0.3}
    )  # fmt: skip
    for name, estimand in ESTIMANDS.items():
        assert estimand.name == name and estimand.words.startswith("the ")
        for field in estimand.fields:
            assert field in SCENARIO_FIELDS
        if estimand.of_variances:
            assert estimand.of_variances(one.tau2, one.sigma2) == pytest.approx(estimand.value(one))


def test_a_null_is_true_to_rounding_and_never_of_an_unknown_truth():
    assert is_null(0.1 + 0.2, 0.3) and is_null(0.0, 0.0) and is_null(-0.0, 0.0)
    assert not is_null(1e-9, 0.0) and not is_null(0.3, 0.3001) and not is_null(np.nan, 0.0)
    assert np.array_equal(is_null(np.array([0.0, 0.3, np.nan]), 0.3), [False, True, False])


# names and refusals


@pytest.mark.parametrize(
    ("name", "options", "canonical"),
    [
        ("pooled", {"estimand": "slope", "null_value": 0}, "pooled"),
        ("pooled", {"null_value": -0.0}, "pooled"),
        ("pooled", {"null_value": 0.3, "estimand": "intercept", "se": "CR2"},
         "pooled[se=CR2,estimand=intercept,null_value=0.3]"),
        ("pooled", {"null_value": 1.0}, "pooled[null_value=1]"),
        ("random_intercept", {"estimand": "icc"}, "random_intercept[estimand=icc]"),
        ("cluster_means", {"estimand": "between_slope"}, "cluster_means[estimand=between_slope]"),
        ("dummy", {"estimand": "slope_units"}, "dummy[estimand=slope_units]"),
        ("within_between", {"effect": "contextual", "estimand": "contextual_effect"},
         "within_between[effect=contextual]"),
        ("within_between", {"effect": "between", "estimand": "tau2"},
         "within_between[effect=between,estimand=tau2]"),
    ],
)  # fmt: skip
def test_names_hold_what_differs_from_the_default(name, options, canonical):
    method = configure(name, options)
    assert method.canonical == method.label == canonical
    stored_as = method.written(Path("/"))
    (again,) = [configure(*item) for item in stored_as.items()]
    assert again == method
    if canonical == name:
        assert not {"estimand", "null_value"} & set(stored_as[name])


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("pooled", {"estimand": "icc"}, "only of slope, intercept"),
        ("dummy", {"estimand": "intercept"}, "dummy has no estimate of intercept, only of slope"),
        ("wild_bootstrap", {"estimand": "intercept"}, "only of slope"),
        ("pretest", {"estimand": "tau2"}, "only of slope, intercept"),
        ("within_between", {"estimand": "contextual_effect"}, "with effect: contextual it has"),
        ("gee", {"estimand": "icc"}, "gee has no estimate of icc"),
        (
            "within_between",
            {"effect": "between", "estimand": "slope_units"},
            "no estimate of slope_units, only of between_slope, intercept",
        ),
        ("pooled", {"estimand": "intercpt"}, "did you mean 'intercept'"),
        ("random_intercept", {"estimand": "icc", "null_value": 0.1}, "no test of icc"),
        ("pooled", {"null_value": "0.3"}, "expected a number"),
        ("pooled", {"null_value": True}, "expected a number"),
        ("pooled", {"null_value": float("inf")}, "expected a number"),
        ("pooled", {"null_valu": 0.3}, "did you mean 'null_value'"),
    ],
)
def test_what_a_method_cannot_do_is_refused_in_one_line(name, options, words):
    with pytest.raises(UserError, match=re.escape(words)) as caught:
        configure(name, options)
    assert "\n" not in str(caught.value)


def test_a_refusal_names_the_line_of_the_study_file(tmp_path):
    (tmp_path / "s.yaml").write_text(
        "name: s\nseed: 1\nreplications: 10\n"
        "scenarios: {n_clusters: 5, cluster_size: 4, icc: 0, x_icc: 0, slope: 0}\n"
        "methods:\n  - dummy:\n      estimand: icc\n"
    )
    ran = call("run", tmp_path / "s.yaml", "--results", tmp_path)
    assert ran.code == 2 and "s.yaml:7:" in ran.err and len(ran.err.splitlines()) == 1


def test_every_estimand_that_is_offered_is_fitted():
    one = Scenario(8, SizeRule("listed", tuple(range(3, 11))), 0.2, 0.5, 0.3)
    moments = Source(one, 1, 1).moments(1, 0)
    assert isinstance(moments, Clusters)
    for entry in methods().values():
        for name, options in entry.possible().items():
            defaults = configure(entry.name, {k: v for k, v in options.items() if k == "effect"})
            method = configure(entry.name, {**dict(defaults.options), "estimand": name})
            found = method.fit(moments)
            assert np.isfinite(found.estimate).mean() > 0.9, method.canonical
            outcomes = set(found.outcome[np.isfinite(found.estimate)].tolist())
            if method.tested:
                assert outcomes <= {Outcome.OK, Outcome.BOUNDARY}
                assert np.isfinite(found.p_value).mean() > 0.9
            else:
                assert outcomes == {Outcome.NO_STD_ERROR}
                assert np.isnan(found.std_error).all() and np.isnan(found.p_value).all()


# null values


def tilted(moments, by):
    means = (moments.mean_x, moments.mean_y + by * moments.mean_x)
    return Clusters(moments.sizes, means, moments.within.tilted(by))


@pytest.mark.parametrize(
    "method",
    ["pooled", "dummy", "random_intercept", "cluster_means", "gee", "pretest", "wild_bootstrap",
     "pooled[CR2]", "random_intercept[wald]", "within_between", "within_between[between]"],
)  # fmt: skip
def test_a_null_value_is_a_slope_shifted(method):
    """The test of b = b0 in (x, y) is that of b = 0 in (x, y - b0 x)."""
    name, _, option = method.partition("[")
    key = {"CR2]": "se", "wald]": "df", "between]": "effect"}.get(option)
    options = {key: option[:-1]} if key else {}
    one = Scenario(8, SizeRule("listed", tuple(range(3, 11))), 0.2, 0.5, 0.3)
    moments = Source(one, 7, 7).moments(1, 0)
    found = configure(name, options | {"null_value": 0.3}).fit(moments)
    zero = configure(name, options).fit(tilted(moments, -0.3))
    there = zero.outcome <= Outcome.NO_STD_ERROR
    assert there.mean() > 0.9 and np.array_equal(found.outcome, zero.outcome)
    assert found.estimate[there] - 0.3 == pytest.approx(zero.estimate[there], abs=1e-9)
    assert found.p_value == pytest.approx(zero.p_value, abs=1e-7, nan_ok=True)
    if name != "wild_bootstrap":
        assert found.std_error == pytest.approx(zero.std_error, rel=1e-7, nan_ok=True)


def test_a_pretest_chooses_its_model_by_the_data_whatever_the_null():
    one = Scenario(8, SizeRule("listed", tuple(range(3, 11))), 0.1, 0.5, 0.5)
    moments = Source(one, 7, 7).moments(1, 0)
    usual, about = (configure("pretest", {"by": "design_effect", "null_value": v}).fit(moments)
                    for v in (0.0, 0.5))  # fmt: skip
    assert np.array_equal(usual.std_error, about.std_error)
    assert (usual.p_value != about.p_value).all()


def test_at_the_null_value_the_rate_is_the_level(tmp_path):
    """The dummy t test is exact, so its size is .05; the same rates as of a slope of 0."""
    grid = {"n_clusters": 10, "cluster_size": 6, "icc": 0.2, "x_icc": 0.3, "slope": [0, 0.3]}
    listed = ["dummy", {"dummy": {"null_value": 0.3}}, {"wild_bootstrap": {"null_value": 0.3}}]
    found = simstudy.run(study(grid, listed, 4000), jobs=1, results=tmp_path, report=False)
    rates = rows(found, "rejection_rate", "dummy[null_value=0.3]")
    size, power = rates[rates.slope == 0.3].iloc[0], rates[rates.slope == 0].iloc[0]
    assert abs(size.value - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 4000)
    assert size.truth == size.null_value == 0.3 and isinstance(size.verdict, str)
    assert power.truth == 0 and power.value > 0.4 and not isinstance(power.verdict, str)
    inflation = rows(found, "type1_inflation", "dummy[null_value=0.3]")
    assert inflation.slope.tolist() == [0.3]
    assert inflation.value.iloc[0] == pytest.approx(size.value / 0.05)
    both = found.summary[found.summary.measure == "coverage"].set_index(["method", "slope"]).value
    for slope in (0, 0.3):  # a test about another value leaves the intervals as they are
        assert both["dummy", slope] == pytest.approx(both["dummy[null_value=0.3]", slope], abs=3e-4)
    wild = rows(found, "rejection_rate", "wild_bootstrap[null_value=0.3]").set_index("slope").value
    assert abs(wild[0.3] - 0.05) < 0.02 and wild[0] > 0.3


def test_theory_is_silent_of_other_estimands_and_null_values(tmp_path):
    grid = {"n_clusters": 10, "cluster_size": 6, "icc": 0.2, "x_icc": 1, "slope": 0.3}
    listed = ["cluster_means", {"cluster_means": {"null_value": 0.3}},
              {"cluster_means": {"estimand": "intercept"}},
              {"random_intercept": {"estimand": "tau2"}}]  # fmt: skip
    found = simstudy.run(study(grid, listed, 200), jobs=1, results=tmp_path, report=False)
    known = found.summary[found.summary.theory.notna()]
    assert set(known.method) == {"cluster_means"}


# estimands without a test, and the intercept


def test_variances_have_a_bias_and_no_test(tmp_path):
    grid = {"n_clusters": 12, "cluster_size": 6, "icc": 0.2, "x_icc": 0.3, "slope": 0}
    chosen = ["icc", "tau2", "sigma2", "total_variance", "intercept"]
    listed = [{"random_intercept": {"estimand": name, "label": name}} for name in chosen]
    one = study(grid, listed, 3000, report={"figures": []})
    found = simstudy.run(one, jobs=1, results=tmp_path, warn=lambda line: None)
    frame = found.summary
    for name in chosen[:4]:
        there = set(frame[frame.method == name].measure)
        assert {"bias", "empirical_se", "mse", "rmse", "relative_bias"} <= there
        for word in ("rejection_rate", "coverage", "model_se", "type1_inflation", "mean_ci_width"):
            assert word not in there
    bias = frame[frame.measure == "bias"].set_index("method")
    assert bias.n_used.tolist() == [3000] * 5
    for name in ("sigma2", "total_variance", "tau2", "intercept"):  # REML: nearly unbiased
        assert abs(bias.value[name]) < 4 * bias.mcse[name] + 0.003, name
    assert -0.03 < bias.value["icc"] < 0  # a ratio is not
    tested = set(frame[frame.measure == "rejection_rate"].method)
    assert tested == {"intercept"}
    assert abs(value(found, "coverage", "intercept") - 0.95) < 0.02
    text = (found.folder / "report" / "methods.md").read_text()
    assert r"**icc** was the intraclass correlation $\rho$" in text
    assert "Estimates of **icc**, **tau2**, **sigma2**, **total_variance** have no standard" in text
    assert "every fit gave a valid result" in text
    shown = tables.headline(found.summary_table())
    assert "not tested: icc, tau2, sigma2, total_variance" in " ".join(shown.split())


def test_a_study_of_variances_alone_has_tables_and_figures(tmp_path):
    grid = {"n_clusters": 8, "cluster_size": 4, "icc": 0.2, "x_icc": 0.3, "slope": 0}
    listed = [{"random_intercept": {"estimand": "icc"}}]
    one = study(grid, listed, 50, report={"figures": list(plots())})
    found = simstudy.run(one, jobs=1, results=tmp_path)
    assert tables.headline(found.summary_table()).startswith("Bias ")
    assert [name for name, _ in selection(found.summary_table())] == ["bias"]
    assert load(tmp_path / one.name / "study.yaml").methods == one.methods
    assert study(grid, listed, 50).figures == ()


def test_estimands_of_one_model_cost_one_optimum(tmp_path, monkeypatch):
    calls = []

    def counted(moments, estimator, _inner=random_intercept._optimum.__wrapped__):
        calls.append(estimator)
        return _inner(moments, estimator)

    monkeypatch.setattr(random_intercept, "_optimum", shared(counted))
    grid = {
        "n_clusters": 8,
        "cluster_size": {"uniform": [3, 6]},
        "icc": 0.2,
        "x_icc": 0.3,
        "slope": 0,
    }
    names = ("slope", "intercept", "icc", "tau2", "sigma2", "total_variance")
    listed = [{"random_intercept": {"estimand": name}} for name in names]
    listed += [{"random_intercept": {"null_value": 0.5}}, {"random_intercept": {"df": "wald"}}]
    simstudy.run(study(grid, listed, 50), jobs=1, results=tmp_path, report=False)
    assert calls == ["reml"]


# whether a rate is a Type I error


def test_the_summary_says_what_each_row_is_about(contextual):
    frame = contextual.summary
    names = list(frame.columns)
    at = names.index("method")
    assert names[at : at + 6] == ["method", "method_name", "estimand", "truth", "null_value",
                                  "measure"]  # fmt: skip
    about = frame.drop_duplicates("method").set_index("method")
    assert about.loc[LABEL, ["method_name", "estimand", "truth", "null_value"]].tolist() == [
        LABEL, "contextual_effect", 0.6, 0.0]  # fmt: skip
    other = about.iloc[2]
    assert (other.estimand, other.truth, other.null_value) == ("between_slope", 0.6, 0.6)
    stored_names = contextual.estimates.to_table(columns=["method"]).to_pandas().method
    assert set(stored_names) == set(frame.method_name)


def test_the_power_of_a_contextual_effect_is_called_power(contextual):
    assert abs(value(contextual, "coverage", LABEL) - 0.953) < 4 * 0.005
    power = value(contextual, "rejection_rate", LABEL)
    assert power > 0.97
    assert rows(contextual, "type1_inflation", LABEL).empty
    assert not isinstance(rows(contextual, "rejection_rate", LABEL).verdict.iloc[0], str)
    summary = contextual.summary_table()
    found = dict(selection(summary))
    shown = tables.grid(found["power"]())
    assert shown.methods == [LABEL] and "(power)" in shown.title
    rates = tables.grid(found["rejection_rate"](), tables.Look(verdict=True))
    assert not rates.cells[0][rates.methods.index(LABEL)].marks.strip("*")
    assert rates.cells[0][0].marks == "L"  # the random intercept's slope, biased
    assert (
        f"power: {LABEL}" in rates.notes[""] and "Type I error: random_intercept" in rates.notes[""]
    )
    report = contextual.folder / "report"
    assert LABEL in json.dumps((report / "tables" / "power.csv").read_text())


def test_figures_keep_type_one_errors_and_power_apart(contextual):
    summary = contextual.summary_table()
    drawn = {name: draw(name, summary) for name in OF_SUMMARY}
    labels = {
        name: [t.get_text().replace("\n", "") for t in figure.axes[0].get_yticklabels()]
        for name, figure in drawn.items()
    }
    assert LABEL not in labels["type1_error"] and len(labels["type1_error"]) == 2
    assert labels["power"] == [LABEL]
    assert "contextual effect is 0" in " ".join(texts(drawn["power"])[-1].split())
    assert LABEL in labels["se_bias"] and len(labels["se_bias"]) == 3
    assert not any(LABEL in text.replace("\n", "") for text in texts(drawn["nested_loop"]))
    left, right = drawn["design_effect"].axes
    points = [sum(len(line.get_offsets()) if hasattr(line, "get_offsets") else 1
                  for line in at.containers) for at in (left, right)]  # fmt: skip
    assert points == [2, 3]


def test_a_zip_plot_covers_what_the_summary_says(contextual):
    figure = of_estimates(contextual, "zip")
    heads = [" ".join(at.get_title().split()) for at in figure.axes if at.get_title()]
    labels = list(dict.fromkeys(contextual.summary.method))[:3]
    words = words_of(contextual.study).all_methods(labels)
    assert heads == list(words)
    for at, label in zip(figure.axes, labels, strict=False):
        (text,) = [t.get_text() for t in at.texts if "cover" in t.get_text()]
        shown = f"{value(contextual, 'coverage', label):.3f}".lstrip("0")
        assert text.startswith(f"{shown} cover")
    assert "estimate less the truth" in [at.get_xlabel() for at in figure.axes] + texts(figure)


def test_p_values_and_agreement_know_the_estimand(contextual):
    figure = of_estimates(contextual, "p_values")
    note = " ".join(texts(figure)[-1].split())
    assert f"Power, not Type I error: {words_of(contextual.study).method(LABEL)}" in note
    pair = of_estimates(contextual, "agreement")
    assert "there is no other method" in texts(pair)[0]  # each estimates something else


def test_a_method_looks_the_same_in_every_figure(tmp_path):
    """wild_bootstrap has no SE bias: gee's is still in gee's color, not in its."""
    grid = {"n_clusters": 10, "cluster_size": 5, "icc": [0, 0.1], "x_icc": 1, "slope": 0}
    listed = ["wild_bootstrap", "gee", "pooled"]
    found = simstudy.run(study(grid, listed, 60), jobs=1, results=tmp_path, report=False)
    summary = found.summary_table()
    table = matrix(summary, "relative_error_model_se")
    assert table.methods == ("gee", "pooled") and table.places == (1, 2)
    left, right = draw("design_effect", summary).axes
    colors = [[c.lines[0].get_color() for c in at.containers] for at in (left, right)]
    wanted = [series(m)["color"] for m in range(3)]
    assert colors == [wanted, wanted[1:]]
    for name in ("se_bias", "nested_loop"):
        measure = "relative_error_model_se" if name == "nested_loop" else None
        figure = draw(name, summary, view=View(measure=measure))
        drawn = {line.get_color() for line in figure.axes[0].lines}
        assert set(wanted[1:]) <= drawn and wanted[0] not in drawn


def test_power_is_judged_by_the_size_of_the_same_design(tmp_path):
    """The size of a contextual effect's test is where that is 0, at the same slope."""
    grid = CONTEXT | {"n_clusters": 5, "slope": [0, 0.2], "contextual_effect": [0, 0.6]}
    wald = {"within_between": {"effect": "contextual", "df": "wald"}}
    found = simstudy.run(study(grid, [wald], 1000), jobs=1, results=tmp_path, report=False)
    table = wide(found.summary_table(), "rejection_rate")
    for levels, cells in table.rows:
        (cell,) = cells.values()
        assert cell.aim.null == (levels["contextual_effect"] == 0)
        if not cell.aim.null:
            assert cell.sized and cell.inflated  # z with five clusters
    assert "(Type I error where contextual effect is 0, else power)" in tables.grid(table).title
    chosen = study(grid, [wald], 10).figures
    assert [figure.name for figure in chosen[:2]] == ["type1_error", "power"]


# methods of one's own


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    (folder / "mine.py").write_text(OWN)
    return folder


def used(folder, name, **options):
    return {"use": str(folder / f"mine.py:{name}"), **options}


def test_a_users_icc_is_never_a_type_one_error(own, tmp_path):
    grid = {"n_clusters": 40, "cluster_size": 10, "icc": 0.3, "x_icc": 0, "slope": 0}
    listed = ["pooled", used(own, "own_icc", truth="icc")]
    found = simstudy.run(study(grid, listed, 150), jobs=1, results=tmp_path, report=False)
    assert value(found, "coverage", "own_icc") > 0.85
    assert_drawn(found)
    assert dict(selection(found.summary_table()))["power"]().methods == ("own_icc",)
    axis = draw("type1_error", found.summary_table()).axes[0]
    assert [t.get_text() for t in axis.get_yticklabels()] == ["pooled"]
    zips = of_estimates(found, "zip")
    assert (
        f"{value(found, 'coverage', 'own_icc'):.3f}".lstrip("0") in zips.axes[1].texts[0].get_text()
    )


def test_estimand_and_its_older_word(own):
    grid = {"n_clusters": 5, "cluster_size": 4, "icc": 0.1, "x_icc": 0, "slope": 0}
    for words in ({"estimand": "icc"}, {"truth": "icc"}):
        (method,) = study(grid, [used(own, "own_icc", **words)], 10).methods
        assert method.estimand == "icc" and "icc" not in method.canonical.replace("own_icc", "")
    (method,) = study(grid, [used(own, "level")], 10).methods
    assert method.estimand == "intercept"
    with pytest.raises(UserError, match="older word for estimand; give one of them"):
        study(grid, [used(own, "own_icc", truth="icc", estimand="icc")], 10)
    with pytest.raises(UserError, match="did you mean 'icc'"):
        study(grid, [used(own, "own_icc", estimand="iccs")], 10)


def test_a_null_value_of_ones_own_tests_what_is_tested_here(own, tmp_path):
    grid = {"n_clusters": 10, "cluster_size": 5, "icc": 0.2, "x_icc": 0, "slope": 0, "intercept": 2}
    listed = [used(own, "level", null_value=2), used(own, "given", null_value=2)]
    found = simstudy.run(study(grid, listed, 2000), jobs=1, results=tmp_path, report=False)
    size = value(found, "rejection_rate", "level[null_value=2]")
    assert abs(size - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 2000)  # t of the means is exact
    given = found.estimates.to_table().to_pandas().query("method.str.startswith('given')")
    assert set(given.p_value) == {0.25}
    stored_study = load(found.folder / "study.yaml")
    assert stored_study.methods == found.study.methods
    assert all(m.canonical.endswith(",null_value=2]") for m in stored_study.methods)


def test_a_truth_that_differs_between_data_sets_makes_a_rejection_rate(own, tmp_path):
    grid = {"n_clusters": 10, "cluster_size": 5, "icc": [0, 0.2], "x_icc": 0.5, "slope": 0}
    one = study(grid, ["pooled", used(own, "sampled")], 60, report={"figures": []})
    found = simstudy.run(one, jobs=1, results=tmp_path)
    assert_drawn(found)
    frame = found.summary[found.summary.method == "sampled"]
    assert frame.truth.isna().all() and "type1_inflation" not in set(frame.measure)
    assert frame.verdict.isna().all() and (frame.null_value == 0).all()
    summary = found.summary_table()
    shown = tables.grid(wide(summary, "rejection_rate"))
    assert shown.title == "Rejection rate at alpha 0.05"
    assert (
        "Type I error: pooled; neither, truth differs between data sets: sampled" in shown.notes[""]
    )
    assert "power" not in dict(selection(summary))
    for name in ("type1_error", "power"):
        assert not any("sampled" in text for text in texts(draw(name, summary)))
    assert "differs" in texts(of_estimates(found, "zip"))[1]
    note = " ".join(texts(of_estimates(found, "p_values"))[-1].split())
    assert "Neither, as the truth differs between data sets: Sampled" in note
    text = (found.folder / "report" / "methods.md").read_text()
    assert "The true value of **sampled** was that of each data set" in text


# anybody's estimates, and real data


def test_summarize_tests_about_a_null():
    rng = np.random.default_rng(3)
    estimates = 0.3 + 0.1 * rng.standard_normal(4000)
    import pandas as pd

    frame = pd.DataFrame({"estimate": estimates, "std_error": 0.1})
    about = simstudy.summarize(frame, true=0.3, null=0.3).set_index("measure")
    assert abs(about.value["rejection_rate"] - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 4000)
    assert "type1_inflation" in about.index and about.null_value.unique().tolist() == [0.3]
    shifted = simstudy.summarize(frame.assign(estimate=estimates - 0.3), true=0).set_index(
        "measure"
    )
    assert about.value["rejection_rate"] == shifted.value["rejection_rate"]
    usual = simstudy.summarize(frame, true=0.3).set_index("measure")
    assert usual.value["rejection_rate"] > 0.8 and "type1_inflation" not in usual.index
    with pytest.raises(UserError, match="null: expected a number"):
        simstudy.summarize(frame, true=0.3, null="x")


def test_summarize_null_on_the_command_line(tmp_path):
    (tmp_path / "e.csv").write_text("b,se\n" + "".join(f"{0.3 + k / 100},0.1\n" for k in range(9)))
    ran = call("summarize", tmp_path / "e.csv", "--estimate", "b", "--std-error", "se", "--true",
               "0.3", "--null", "0.3", "--measure", "rejection_rate")  # fmt: skip
    assert ran.code == 0 and "(Type I error)" in ran.out and "<.300" in ran.out


def test_a_fit_tests_its_own_term_about_the_null():
    import pandas as pd

    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(8), 6)
    x = rng.standard_normal(48)
    frame = pd.DataFrame({"g": g, "x": x, "y": 0.3 * x + rng.standard_normal(48)})
    fits = simstudy.fit(frame, "y ~ x + (1 | g)", ["pooled", {"pooled": {"null_value": 0.3}}])
    usual, about = (one.as_dict() for one in fits.fits)
    (level, slope), (level_too, slope_too) = usual["terms"], about["terms"]
    assert level == level_too and about["null_value"] == 0.3 and "null_value" not in usual
    assert slope_too["statistic"] == pytest.approx((slope["estimate"] - 0.3) / slope["std_error"])
    assert slope_too["p_value"] != slope["p_value"]
    assert slope_too["ci_low"] == slope["ci_low"]
