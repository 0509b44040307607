"""Paired differences of any two methods, from rows and from totals."""

from __future__ import annotations

import numpy as np
import pytest

import simstudy
from simstudy.claims import beyond as beyond_module
from simstudy.claims.judge import judge
from simstudy.claims.pairs import _jackknifed, differences
from simstudy.measures.catalog import MEASURES
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.study import load
from simstudy.summary.cells import StudyCells
from simstudy.summary.study import stored_rows

STUDY = {
    "name": "p", "seed": 3, "replications": 5000, "alpha": [0.05, 0.01],
    "scenarios": {"n_clusters": 8, "cluster_size": [4, {"uniform": [2, 6]}], "icc": 0.3,
                  "x_icc": 0.5, "slope": 0},
    "methods": ["pooled", "dummy", "random_intercept"],
}  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    return simstudy.run(STUDY, results=folder, report=False, warn=lambda line: None)


def found(results, first, second, measure, study=None):
    study = study or results.study
    by_name = {method.canonical: method for method in study.methods}
    two = by_name[first], by_name[second]
    return differences(study, ResultsFolder(results.folder), two, study.designs, measure)


@pytest.mark.parametrize("measure", ["rejection_rate", "coverage", "bias"])
def test_a_difference_is_that_of_rows_replication_by_replication(results, measure):
    rows = results.estimates.to_table().to_pandas()
    for one in found(results, "dummy", "random_intercept", measure):
        here = rows[rows.scenario == one.scenario].pivot(
            index="replication", columns="method", values=["estimate", "p_value"]
        )
        if measure == "bias":
            each = here["estimate"]
        else:  # the truth is the null value: covered is not rejected
            each = (here["p_value"] < one.alpha).astype(float)
            each = each if measure == "rejection_rate" else 1 - each
        apart = each["dummy"] - each["random_intercept"]
        assert one.value == pytest.approx(apart.mean(), rel=1e-9, abs=1e-12)
        assert one.mcse == pytest.approx(apart.std() / len(apart) ** 0.5, rel=1e-9)
        assert (one.n_used, one.n_not_used) == (5000, 0)


def test_the_reverse_is_the_negative_whatever_the_reference(results):
    with_reference = load(STUDY | {"reference": "pooled"})
    for study in (None, with_reference):
        forth = found(results, "pooled", "dummy", "rejection_rate", study)
        back = found(results, "dummy", "pooled", "rejection_rate", study)
        assert len(forth) == 4
        for one, other in zip(forth, back, strict=True):
            assert one._replace(value=-one.value) == other


@pytest.mark.parametrize("measure", ["bias", "rejection_rate", "coverage"])
def test_the_jackknife_has_the_error_that_is_known(results, measure):
    known = {(d.scenario, d.alpha): d for d in found(results, "pooled", "dummy", measure)}
    study = load(STUDY | {"methods": ["pooled", "dummy"]})
    source = stored_rows(study, ResultsFolder(results.folder), StudyCells(study), compare=False)
    for one in _jackknifed(study, source, MEASURES[measure]):
        alike = known[one.scenario, one.alpha] if one.alpha == one.alpha else next(
            d for d in known.values() if d.scenario == one.scenario)  # fmt: skip
        assert one.n_used == 70 * (5000 // 70) and one.n_free == 70
        assert one.value == pytest.approx(alike.value, abs=alike.mcse)  # 30 rows are left over
        # 69 degrees of freedom: the SE has a coefficient of variation of 8.5 %
        assert one.mcse == pytest.approx(alike.mcse, rel=0.3)


@pytest.mark.parametrize(
    "measure", ["empirical_se", "model_se", "mean_ci_width", "median_bias", "mean_absolute_error"]
)
def test_any_measure_has_its_difference(results, measure):
    rows = results.estimates.to_table().to_pandas()
    for one in found(results, "pooled", "dummy", measure):
        n = one.n_used
        here = rows[(rows.scenario == one.scenario) & (rows.replication <= n)]
        of = dict(list(here.groupby("method")))
        values = {}
        for name in ("pooled", "dummy"):
            e, s = of[name].estimate, of[name].std_error
            values[name] = {
                "empirical_se": e.std(), "model_se": np.sqrt((s**2).mean()),
                "median_bias": e.median(), "mean_absolute_error": e.abs().mean(),
            }.get(measure)  # fmt: skip
        if measure != "mean_ci_width":
            assert one.value == pytest.approx(values["pooled"] - values["dummy"], rel=1e-9)
        assert 0 < one.mcse < abs(one.value) or "bias" in measure


def test_claims_of_two_methods_are_judged_and_kept(tmp_path, monkeypatch):
    claims = [
        "type1_error of pooled > dummy", "power of dummy < random_intercept",
        "median_bias of pooled between -0.5 and 0.5", "model_se of dummy > pooled",
    ]  # fmt: skip
    scenarios = STUDY["scenarios"] | {"slope": [0, 0.3], "cluster_size": 4}
    given = STUDY | {"claims": claims, "replications": 800, "scenarios": scenarios}
    run = simstudy.run(given, results=tmp_path, report=False, warn=lambda line: None)
    again = simstudy.Results.open(run.folder)
    expected = judge(run.study, ResultsFolder(run.folder), run.summary_table())
    assert [one.verdict for one in expected] == ["supported"] * 4

    def nothing(*given):
        raise AssertionError("rows are read again")

    monkeypatch.setattr(beyond_module, "computed", nothing)
    assert judge(again.study, ResultsFolder(run.folder), again.summary_table()) == expected

    calls = []

    def counted(*given):
        calls.append(given)
        return judge(*given)

    monkeypatch.setattr("simstudy.report.report.judge", counted)
    monkeypatch.setattr("simstudy.report.methods_section.render.judge", counted)
    again.report()
    assert len(calls) == 1


@pytest.mark.parametrize(
    "numbers",
    [[], [None, 0.1], [None, 1e999, 0.1, 9, 0, 9], [None, 0.1, -0.1, 9, 0, 9],
     [None, 0.1, 0.1, 1e999, 0, 9], [None, 10**400, 0.1, 9, 0, 9], [None, 0.1, 0.1, -1, 0, 9],
     [None, "x", 0.1, 9, 0, 9]],
    ids=["none", "few", "endless", "error", "count", "large", "negative", "text"],
)  # fmt: skip
def test_kept_numbers_of_a_stranger_are_made_again(numbers, tmp_path, monkeypatch):
    """Whoever wrote the folder: what no summary has is no number of a claim."""
    mark = {beyond_module.KEY: [["bias", "pooled", "dummy", [["0badcafe", *numbers]]]]}
    monkeypatch.setattr(beyond_module, "summary_mark", lambda folder: mark)
    given = STUDY | {"claims": ["bias of pooled < dummy"]}
    assert beyond_module._kept(load(given), ResultsFolder(tmp_path)) is None


def test_totals_hold_pairs_with_the_reference_alone(tmp_path):
    claims = [
        "type1_error of pooled > random_intercept at alpha 0.05",
        "type1_error of random_intercept < pooled at alpha 0.05",
        "type1_error of pooled > dummy at alpha 0.05",
        "model_se of dummy > random_intercept", "median_bias of dummy < 1",
    ]  # fmt: skip
    given = STUDY | {"claims": claims, "store": "summary", "reference": "random_intercept"}
    run = simstudy.run(given, results=tmp_path, report=False, warn=lambda line: None)
    found = judge(run.study, ResultsFolder(run.folder), run.summary_table())
    assert [one.verdict for one in found] == ["supported"] * 2 + ["undecided"] * 3
    assert found[0].deciding.value == -found[1].deciding.value
    assert "store: summary keeps no such pairs" in found[2].reason
    assert "store: summary keeps no such pairs" in found[3].reason
    assert found[4].reason.startswith("no row there")
