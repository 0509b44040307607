"""Limits and true values that a user's method gives, and estimates without standard errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from helpers_cli import call
from helpers_simulation import study

import simstudy
from simstudy.custom import answers
from simstudy.errors import WorkError
from simstudy.estimates import STATUSES
from simstudy.results import Results
from simstudy.runner.execute import execute
from simstudy.store.names import parse
from simstudy.store.results_folder import ResultsFolder

pytestmark = pytest.mark.slow

GRID = {"n_clusters": 6, "cluster_size": 4, "icc": [0.1, 0.3], "x_icc": 0.5, "slope": 0.2}
FILE = """\
import numpy as np

import simstudy


def line(data):
    x = data.x - data.x.mean()
    slope = (x * data.y).sum() / (x * x).sum()
    residual = data.y - data.y.mean() - slope * x
    error = ((residual**2).sum() / (len(x) - 2) / (x * x).sum()) ** 0.5
    return slope, error


@simstudy.method
def both(data):
    slope, error = line(data)
    return {"estimate": slope, "std_error": error, "ci_low": slope - 2.5 * error,
            "ci_high": slope + 1.5 * error}


@simstudy.method
def limits(data):
    slope, error = line(data)
    return {"estimate": slope, "ci_low": slope - 2.5 * error, "ci_high": slope + 1.5 * error}


@simstudy.method
def sometimes(data):
    slope, error = line(data)
    more = {"ci_low": slope - 2.5 * error, "ci_high": slope + 1.5 * error}
    return {"estimate": slope, "std_error": error} | (more if slope > 0 else {})


@simstudy.method
def alone(data):
    return {"estimate": line(data)[0]}


@simstudy.method
def some_error(data):
    slope, error = line(data)
    return {"estimate": slope, "std_error": error if slope > 0 else None}


@simstudy.method
def moving(data):
    slope, error = line(data)
    return {"estimate": slope, "std_error": error, "truth": 0.2 + 0.1 * data.x.mean()}


@simstudy.method(grain="clusters")
def moments(moments):
    x = moments.mean_x - moments.mean_x.mean(axis=0)
    slope = (x * moments.mean_y).sum(axis=0) / (x * x).sum(axis=0)
    return {"estimate": slope, "ci_low": slope - 1, "ci_high": slope + 1.0,
            "truth": moments.mean_x.mean(axis=0)}


@simstudy.method
def settled(data):
    slope, error = line(data)
    return {"estimate": slope, "std_error": error, "truth": [0.3, 0.1 + 0.2][int(slope > 0)]}
"""
NAMES = ("both", "limits", "sometimes", "alone", "some_error", "moving", "moments", "settled")


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    folder = tmp_path_factory.mktemp("given")
    (folder / "given.py").write_text(FILE)
    return [{"use": f"{folder / 'given.py'}:{name}", "label": name} for name in NAMES]


def rows_of(results: Results) -> pd.DataFrame:
    """Stored rows with their extras beside them."""
    rows = results.estimates.to_table().to_pandas()
    labels = {m.canonical: m.label for m in results.study.methods}
    rows["method"] = rows.method.map(labels)
    rows = rows[rows.replication <= results.study.replications]
    extras = results.extras.pivot(index=["scenario", "replication", "method"], columns="name",
                                  values="value").reset_index()  # fmt: skip
    return rows.merge(extras, how="left").drop_duplicates(["scenario", "method", "replication"])


def numbers(summary: pd.DataFrame, method: str) -> pd.DataFrame:
    """Value, MCSE and n of a method by scenario, measure and alpha."""
    mine = summary[(summary.method == method) & ~summary.measure.str.startswith("share")]
    names = ["truth", "value", "mcse", "ci_low", "ci_high", "n_used", "n_not_used"]
    return mine.set_index(["scenario", "measure", "alpha"])[names].sort_index()


@pytest.fixture(scope="module")
def results(used, tmp_path_factory):
    one = study(GRID, ["pooled", *used], 70, alpha=[0.05, 0.2], reference="pooled")
    return simstudy.run(one, results=tmp_path_factory.mktemp("results"), jobs=1, report=False)


def test_parts_keep_their_columns_and_extras_hold_what_was_given(results):
    assert results.estimates.schema.names == [
        "scenario", "replication", "method", "estimate", "std_error", "df", "p_value", "status",
        "tau2", "sigma2",
    ]  # fmt: skip
    assert set(results.extras.name) == {"ci_low", "ci_high", "truth", "seconds"}


@pytest.mark.parametrize("name", NAMES)
def test_study_rows_and_anybodys_frame_are_judged_alike(results, name):
    rows = rows_of(results)
    rows = rows[rows.method == name]
    columns = {"true": "truth" if name in ("moving", "moments", "settled") else 0.2}
    if name in ("both", "limits", "sometimes", "moments"):
        columns |= {"ci_low": "ci_low", "ci_high": "ci_high"}
    found = simstudy.summarize(rows, **columns, by=["scenario"], alpha=[0.05, 0.2])
    ours, theirs = numbers(results.summary, name), numbers(found, name)
    pd.testing.assert_frame_equal(ours.loc[theirs.index], theirs, rtol=1e-9, check_dtype=False)
    left = ours.drop(theirs.index)
    assert left[left.n_used > 0].index.get_level_values("measure").str.startswith(
        ("difference", "relative_precision")).all()  # fmt: skip


def cell(results: Results, method: str, measure: str, alpha=0.05) -> pd.DataFrame:
    summary = results.summary
    mine = summary[(summary.method == method) & (summary.measure == measure)]
    return mine[mine.alpha.isna() | (mine.alpha == alpha)].set_index("scenario")


@pytest.mark.parametrize("name", ["both", "limits", "sometimes", "moments"])
def test_coverage_and_width_use_the_limits(results, name):
    rows = rows_of(results)
    rows = rows[rows.method == name]
    truth = rows.truth if name == "moments" else 0.2
    rows["covers"] = (rows.ci_low <= truth) & (truth <= rows.ci_high)
    rows["width"] = rows.ci_high - rows.ci_low
    there = rows[rows.ci_low.notna()].groupby("scenario")
    assert (there.size() < 70).all() == (name == "sometimes")
    for measure, column in (("coverage", "covers"), ("mean_ci_width", "width")):
        found = cell(results, name, measure)
        assert found.value.to_dict() == pytest.approx(there[column].mean().to_dict(), rel=1e-12)
        assert found.n_used.to_dict() == there.size().to_dict()
        assert cell(results, name, measure, 0.2).empty  # limits are of the first level
    assert not cell(results, name, "rejection_rate", 0.2).empty


def test_methods_without_limits_keep_intervals_at_every_level(results):
    for name in ("pooled", "moving", "settled"):
        assert (cell(results, name, "coverage", 0.2).n_used == 70).all()
    differences = results.summary[results.summary.measure == "difference_coverage"]
    with_limits = differences.method.isin(["both", "limits", "sometimes", "moments"])
    assert set(differences[with_limits].alpha) == {0.05}
    assert set(differences[~with_limits].alpha) == {0.05, 0.2}


@pytest.mark.parametrize("name", ["alone", "limits", "some_error"])
def test_bias_of_a_method_needs_no_standard_error(results, name):
    rows = rows_of(results)
    rows = rows[rows.method == name]
    assert "no_std_error" in set(rows.status)
    errors = rows.groupby("scenario").estimate
    bias, se = cell(results, name, "bias"), cell(results, name, "empirical_se")
    assert bias.value.to_dict() == pytest.approx((errors.mean() - 0.2).to_dict(), rel=1e-10)
    assert se.value.to_dict() == pytest.approx(errors.std().to_dict(), rel=1e-10)
    relative = cell(results, name, "relative_bias")
    assert relative.value.to_dict() == pytest.approx((errors.mean() / 0.2 - 1).to_dict(), rel=1e-9)
    for measure in ("bias", "empirical_se", "mse", "rmse", "relative_bias"):
        assert (cell(results, name, measure).n_used == 70).all()
    n_tests = (rows.p_value.notna().groupby(rows.scenario).sum()).to_dict()
    for measure in ("rejection_rate", "model_se", "relative_error_model_se"):
        assert cell(results, name, measure).n_used.to_dict() == n_tests


def test_a_truth_of_each_data_set(results):
    rows = rows_of(results)
    rows = rows[rows.method == "moving"]
    rows["error"] = rows.estimate - rows.truth
    errors = rows.groupby("scenario").error
    assert cell(results, "moving", "bias").truth.isna().all()
    bias = cell(results, "moving", "bias")
    assert bias.value.to_dict() == pytest.approx(errors.mean().to_dict(), rel=1e-12)
    assert bias.mcse.to_dict() == pytest.approx((errors.std() / 70**0.5).to_dict(), rel=1e-12)
    relative = (rows.error / rows.truth).groupby(rows.scenario).mean()
    found = cell(results, "moving", "relative_bias").value
    assert found.to_dict() == pytest.approx(relative.to_dict(), rel=1e-12)
    mine = results.summary[results.summary.method == "moving"]
    assert "type1_inflation" not in set(mine.measure) and mine.verdict.isna().all()


def test_a_truth_that_is_the_same_in_all_data_sets_is_the_truth(results):
    assert set(cell(results, "settled", "bias").truth) == {0.3}
    errors = rows_of(results)
    errors = errors[errors.method == "settled"].groupby("scenario").estimate.mean() - 0.3
    found = cell(results, "settled", "bias").value
    assert found.to_dict() == pytest.approx(errors.to_dict(), rel=1e-12)


def test_a_known_truth_that_is_the_null_value_makes_type1_errors(tmp_path):
    (tmp_path / "null.py").write_text(
        FILE.replace("[0.3, 0.1 + 0.2][int(slope > 0)]", "0.0").replace("0.2 + 0.1 *", "0.0 *")
    )
    methods = [{"use": f"{tmp_path / 'null.py'}:{name}", "label": name}
               for name in ("settled", "moving")]  # fmt: skip
    found = simstudy.run(study(GRID, methods, 40), results=tmp_path, jobs=1, report=False)
    for name in ("settled", "moving"):
        assert set(cell(found, name, "bias").truth) == {0.0}
        assert len(cell(found, name, "type1_inflation")) == 2
        assert cell(found, name, "relative_bias").empty


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_summaries_do_not_depend_on_how_parts_were_cut(results, used, tmp_path):
    """Ranges of 20, then 50, then 70 replications; by two workers: test_backends."""
    for n in (20, 50, 70):
        one = study(GRID, ["pooled", *used], n, alpha=[0.05, 0.2], reference="pooled")
        execute(one, ResultsFolder(tmp_path), 1)
    same(Results(one, tmp_path).summary_table().to_pandas(), results.summary)
    names = {parse(file.name) for file in (tmp_path / "extras").iterdir()}
    assert {name.first for name in names} > {1, 33}


def test_fewer_replications_read_no_more_extras(results, used, tmp_path):
    fewer = study(GRID, ["pooled", *used], 40, alpha=[0.05, 0.2], reference="pooled")
    execute(fewer, ResultsFolder(tmp_path), 1)
    same(Results(fewer, results.folder).summary, Results(fewer, tmp_path).summary)


def test_lost_limits_are_never_replaced_by_standard_errors(used, tmp_path):
    one = study(GRID | {"icc": 0.1}, used[:1], 40)
    before = simstudy.run(one, results=tmp_path, jobs=1, report=False)
    (file, *_) = sorted((before.folder / "extras").iterdir())
    file.unlink()
    with pytest.raises(WorkError, match=r"extras.*is gone"):
        Results(one, before.folder).summary_table()
    ran = call("summarize", before.folder)
    assert ran.code == 1 and "is gone" in ran.err
    said: list[str] = []
    after = simstudy.run(one, results=tmp_path, jobs=1, report=False, warn=said.append)
    assert [line for line in said if "computed again" in line]
    same(before.summary, after.summary)
    file.write_bytes(file.read_bytes()[:-3])
    with pytest.raises(WorkError, match="not what was written"):
        Results(one, before.folder).summary_table()


def test_a_replay_shows_the_fit_of_a_method_that_gives_limits(results):
    scenario = results.summary.scenario[0]
    ran = call("replay", results.folder, "--scenario", scenario, "--replication", 3, "--trust")
    assert ran.code == 0, ran.err
    assert "both" in ran.out


NOW = {"estimate": 1.0, "std_error": 0.1}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"ci_low": 2, "ci_high": 1}, "returned ci_low 2 above ci_high 1"),
        ({"ci_low": np.nan, "ci_high": 1}, "returned ci_low nan"),
        ({"ci_low": 0, "ci_high": np.inf}, "returned ci_high inf"),
        ({"truth": np.nan}, "returned truth nan"),
        ({"truth": -np.inf}, "returned truth -inf"),
    ],
)
def test_limits_and_truths_that_cannot_be_fail(more, message):
    found = answers.estimates(NOW | more, 1, batch=False)
    assert found.failures[0].message == message
    assert np.isnan(found.estimate).all()
    assert all(np.isnan(values).all() for values in found.extras.values())
    many = {k: np.array([v, 1.0]) for k, v in (NOW | more).items()}
    many["estimate"] = np.ones(2)
    found = answers.estimates(many, 2, batch=True)
    assert [bool(failure) for failure in found.failures] == [True, False]
    assert STATUSES[found.status[1]] == "ok"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (NOW | {"ci_low": 1.0}, "ci_low without ci_high"),
        (NOW | {"ci_high": 1.0, "ci_low": None}, "ci_high without ci_low"),
        (NOW | {"ci_lower": 1.0, "ci_upper": 2.0}, "did you mean 'ci_low'"),
        (NOW | {"CI.high": 1.0}, "did you mean 'ci_high'"),
        (NOW | {"true_value": 1.0}, "did you mean 'truth'"),
        (NOW | {"ci_low": "a", "ci_high": 1}, "ci_low is 'a', not a number"),
        (NOW | {"truth": [1.0, 2.0]}, "truth has shape"),
    ],
)
def test_half_an_interval_and_another_name_are_refused(answer, message):
    with pytest.raises(answers.AnswerError, match=message):
        answers.estimates(answer, 1, batch=False)


def test_none_is_not_given():
    found = answers.estimates(NOW | {"ci_low": None, "ci_high": None, "truth": None}, 1, False)
    assert found.failures[0] is None and found.extras == {}


def test_a_measure_of_ones_own_gets_the_truth_of_each_row(used, tmp_path, monkeypatch):
    from simstudy.measures.own import REGISTERED, measure

    monkeypatch.setattr("simstudy.measures.own.REGISTERED", REGISTERED)

    def largest_error(rows, truth):
        return float(np.max(np.abs(rows["estimate"] - truth)))

    measure(largest_error)
    try:
        methods = [m for m in used if m["label"] in ("moving", "both")]
        found = simstudy.run(study(GRID, methods, 40), results=tmp_path, jobs=1, report=False)
        rows = rows_of(found)
    finally:
        del REGISTERED["largest_error"]
    rows["error"] = (rows.estimate - rows.truth.fillna(0.2)).abs()
    right = rows.groupby(["method", "scenario"]).error.max()
    for name in ("moving", "both"):
        got = cell(found, name, "largest_error")
        assert got.value.to_dict() == pytest.approx(right[name].to_dict(), rel=1e-12)
        assert (got.mcse > 0).all()


def test_plan_knows_the_limits_of_a_method(used, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    import json

    (tmp_path / "s.yaml").write_text(
        json.dumps(
            {"name": "s", "seed": 1, "replications": 2000, "scenarios": GRID, "methods": used[:2]}
        )
    )
    assert call("plan", "s.yaml", "--mcse", "coverage=0.01").code == 0


def test_the_zip_plot_shows_the_intervals_of_the_summary(results):
    """Each panel says the share that covers, of given limits as of others."""
    from simstudy.plots import plots
    from simstudy.report.example_rows import sample_of
    from simstudy.report.words import words_of

    summary, called = results.summary_table(), words_of(results.study).method
    (design, *_) = results.study.designs
    sample = sample_of(results.study, ResultsFolder(results.folder), summary, design)
    assert all(sample.methods[called(name)].block.limits[0] for name in ("both", "limits"))
    figure = plots()["zip"].draw(sample)
    shown = {at.get_title(): [text.get_text() for text in at.texts] for at in figure.axes}
    for name in ("pooled", "both", "limits", "sometimes", "settled"):
        value = cell(results, name, "coverage").value[design.id]
        assert shown[called(name)][0].startswith(f"{value:.3f}".lstrip("0")), name
    assert "differs" in shown[called("moving")][0]
