"""`when:`, the scenarios in which a method is asked for, and `summarize --where` of a study."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from helpers_cli import call

import simstudy
from simstudy.report import tables
from simstudy.report.drawing.matrix import matrix
from simstudy.report.drawing.missing import absence
from simstudy.report.methods_section.render import methods_section
from simstudy.report.pivot import wide
from simstudy.runner.plan import plan
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.json_schema import schema
from simstudy.study.yaml_lines import read

pytestmark = pytest.mark.slow

OWN = """
import simstudy

@simstudy.method
def means(data, when_x=0):
    if data.x.std() > 0 and data.x.groupby(data.cluster).std().max() == 0:
        raise RuntimeError("x is of clusters")
    return data.y.mean(), 1.0
"""


def study(*methods, replications=40, **more):
    return {
        "name": "s", "seed": 5, "replications": replications, "methods": list(methods),
        "scenarios": {"n_clusters": 8, "cluster_size": [4, {"uniform": [2, 6]}], "icc": [0, 0.2],
                      "x_icc": [0, 1], "slope": 0},
    } | more  # fmt: skip


BOTH = 'icc > 0 and cluster_size = "uniform 2-6"'
SOME = study("pooled", {"dummy": {"when": "x_icc = 0"}}, {"random_intercept": {"when": BOTH}})


def run(tmp_path, given, **more):
    return simstudy.run(given, results=tmp_path, warn=lambda line: None, report=False, **more)


def pairs(results) -> set[tuple[str, str]]:
    frame = results.summary
    return set(zip(frame.scenario, frame.method, strict=True))


def contents(results) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (results.folder / "estimates").iterdir()}


def rows(results):
    found = results.estimates.to_table().to_pandas()
    return found.sort_values(["scenario", "method", "replication"], ignore_index=True)


def test_other_scenarios_have_no_rows(tmp_path):
    results = run(tmp_path, SOME)
    loaded = results.study
    wanted = {
        (design.id, method.label)
        for design in loaded.designs
        for method in loaded.methods
        if method.label == "pooled"
        or (method.label == "dummy" and design.levels["x_icc"] == 0)
        or (method.label == "random_intercept" and design.levels["icc"] > 0
            and design.levels["cluster_size"] == "uniform 2-6")
    }  # fmt: skip
    assert len(wanted) == 8 + 4 + 2
    found = rows(results)
    assert set(zip(found.scenario, found.method, strict=True)) == wanted
    assert len(found) == 14 * 40 == loaded.n_fits == results.n_fits
    assert pairs(results) == wanted and results.n_missing == 0
    assert run(tmp_path, SOME).n_fits == 0  # nothing is missing


def test_rows_names_and_scenarios_are_those_without_it(tmp_path):
    some = run(tmp_path / "some", SOME)
    plain = study("pooled", "dummy", "random_intercept")
    every = run(tmp_path / "every", plain)
    assert [d.id for d in some.study.designs] == [d.id for d in every.study.designs]
    assert [m.canonical for m in some.study.methods] == [m.canonical for m in every.study.methods]
    both = rows(every).merge(rows(some)[["scenario", "method"]].drop_duplicates())
    both = both.sort_values(["scenario", "method", "replication"], ignore_index=True)
    assert both.equals(rows(some))
    mine, theirs = (of.summary.set_index(["scenario", "method", "measure"]) for of in (some, every))
    assert mine.drop(columns="z").equals(theirs.loc[mine.index.unique()].drop(columns="z"))


def test_more_replications_and_an_interruption_compute_what_is_missing(tmp_path):
    results = run(tmp_path, SOME)
    before = contents(results)
    longer = run(tmp_path, SOME, replications=64)
    assert longer.n_fits == 14 * 24 and longer.n_missing == 0
    assert before.items() <= contents(longer).items()
    lost = next(file for file in (results.folder / "estimates").iterdir())
    lost.unlink()
    assert longer.n_missing > 0
    again = run(tmp_path, SOME, replications=64)
    assert again.n_missing == 0 and contents(again) == contents(longer)


def test_dropping_or_changing_it_computes_what_is_missing_alone(tmp_path):
    first = run(tmp_path, SOME)
    before = contents(first)
    other = run(tmp_path, study("pooled", {"dummy": {"when": "icc = 0"}}))
    assert other.n_fits == 2 * 40  # x_icc 1 with icc 0; x_icc 0 is there
    lost = {d.id for d in other.study.designs if d.levels["icc"] > 0}
    assert not {(scenario, "dummy") for scenario in lost} & pairs(other)
    assert all(value == before[name] for name, value in contents(other).items() if name in before)
    dropped = run(tmp_path, study("pooled", "dummy", "random_intercept"))
    assert dropped.n_fits == (24 - 14 - 2) * 40 and dropped.n_missing == 0
    assert len(pairs(dropped)) == 24
    back = run(tmp_path, SOME)
    assert back.n_fits == 0 and pairs(back) == pairs(first)
    assert back.summary.equals(first.summary)  # rows that are not asked for any more are no part


def test_another_condition_makes_no_other_study(tmp_path):
    run(tmp_path, study({"dummy": {"when": "x_icc = 0"}}, {"pooled": {"when": "x_icc = 1"}}))
    said: list[str] = []
    other = study({"dummy": {"when": "x_icc = 1"}}, {"pooled": {"when": "x_icc = 0"}})
    turned = simstudy.run(other, results=tmp_path, report=False, warn=said.append)
    assert turned.n_fits == 8 * 40 and len(pairs(turned)) == 8
    assert "8 of the stored scenario x method pairs left the study" in said[0]


def test_a_plan_counts_what_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("s.yaml").write_text(json.dumps(SOME))
    loaded = simstudy.load("s.yaml")
    assert sum(task.n_fits for task in plan(loaded, [])) == 14 * 40
    ran = call("plan", "s.yaml")
    assert "8 scenarios x 40 replications x 3 methods = 560 fits (400 more are not asked for)" in (
        ran.out
    )
    assert call("run", "s.yaml", "--jobs", "2", "--quiet", "--no-report").code == 0
    assert len(ResultsFolder(tmp_path / "results" / "s").parts()) > 0


def test_methods_are_compared_where_the_reference_is_asked_for(tmp_path):
    given = study("pooled", {"dummy": {"when": "x_icc = 0"}}, "cluster_means",
                  reference="dummy")  # fmt: skip
    results = run(tmp_path, given)
    found = results.summary
    for measure in ("difference_bias", "relative_precision", "difference_rejection_rate"):
        mine = found[found.measure == measure]
        assert set(mine.method) == {"pooled", "cluster_means"} and len(mine) == 8
        assert set(mine.x_icc) == {0} and (mine.n_used == 40).all()
    shared = rows(results)
    shared = shared[shared.scenario.isin(set(found[found.x_icc == 0].scenario))]
    wide_ = shared.pivot(index=["scenario", "replication"], columns="method", values="estimate")
    right = (wide_.pooled - wide_.dummy).groupby("scenario").mean()
    bias = found[(found.measure == "difference_bias") & (found.method == "pooled")]
    assert bias.set_index("scenario").value.to_dict() == pytest.approx(right.to_dict(), rel=1e-10)


def test_tables_and_figures_say_that_it_is_not_asked_for(tmp_path):
    results = run(tmp_path, SOME)
    table = tables.grid(wide(results.summary_table(), "rejection_rate"))
    dummy = [row[1].value for row in table.cells]
    assert dummy.count("/") == 4 and "-" not in [c.value for row in table.cells for c in row]
    assert table.notes["/"] == "not asked for" and "-" not in table.notes
    assert "/ not asked for" in tables.as_text(table)
    assert "/ not asked for" in tables.FORMATS["markdown"](table)
    assert "/~not asked for" in tables.FORMATS["latex"](table)
    assert tables.as_csv(table).count("not asked for") == 4 + 6
    for measure in ("rejection_rate", "relative_error_model_se"):
        drawn = matrix(results.summary_table(), measure)
        within = [i for i, levels in enumerate(drawn.levels) if levels["x_icc"] == 1]
        assert absence(drawn, within, 1) == "not asked for"
        assert (~drawn.cells["asked"]).sum() == 10
        if measure == "rejection_rate":
            errors = drawn.kind(null=True)
            assert (~errors.cells["asked"]).sum() == 10
            assert absence(errors, within, 1) == "not asked for"
    names = ["type1_error", "se_bias", "design_effect", "nested_loop", "zip", "p_values",
             "agreement"]  # fmt: skip
    figured = SOME | {"report": {"figures": names}}
    drawn = simstudy.run(figured, jobs=1, results=tmp_path, warn=lambda line: None)
    there = {file.name for file in (drawn.folder / "report" / "figures").iterdir()}
    assert {f"{name}.png" for name in names} <= there


def test_what_is_not_estimable_is_still_called_so(tmp_path):
    results = run(tmp_path, study("pooled", "dummy"))
    table = tables.grid(wide(results.summary_table(), "rejection_rate"))
    assert table.notes["-"] == "no replication was estimable" and "/" not in table.notes


def test_the_methods_section_says_where(tmp_path):
    results = run(tmp_path, SOME)
    text = methods_section(results.study, ResultsFolder(results.folder), results.summary_table())
    assert "It was asked for in 4 of 8 scenarios only, those with `x_icc = 0`." in text
    assert '2 of 8 scenarios only, those with `icc > 0 and cluster_size = "uniform 2-6"`' in text
    assert "analysed by 3 methods, by fewer in some scenarios (see there)" in text
    assert "320 data sets and 560 fits" in text and "Fewer were computed" not in text
    plain = run(tmp_path / "plain", study("pooled", {"cluster_means": {"when": "n_clusters = 8"}}))
    text = methods_section(plain.study, ResultsFolder(plain.folder), plain.summary_table())
    assert "asked for" not in text and "analysed by 2 methods, so that" in text


def test_a_stored_study_keeps_it(tmp_path):
    results = run(tmp_path, SOME)
    opened = simstudy.Results.open(results.folder)
    assert [m.when.text if m.when else None for m in opened.study.methods] == [
        None, "x_icc = 0", 'icc > 0 and cluster_size = "uniform 2-6"',
    ]  # fmt: skip
    assert opened.summary.equals(results.summary) and opened.n_missing == 0
    assert call("summarize", results.folder).err == ""
    stored = read(results.folder / "study.yaml").data
    assert "when" not in stored["methods"][0]["pooled"]


def test_a_changed_condition_makes_the_summary_anew(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    more = {"report": {"figures": []}}
    simstudy.run(study("pooled", "dummy", **more), jobs=1, results=".", warn=lambda line: None)
    found = simstudy.run(study("pooled", {"dummy": {"when": "x_icc = 0"}}, **more), jobs=1,
                         results=".", warn=lambda line: None)  # fmt: skip
    assert found.n_fits == 0
    stored = Path("s/summary.csv").read_text().splitlines()
    assert not [line for line in stored if ",dummy," in line and ",1,0,16" in line]
    assert "not asked for" in Path("s/report/tables/bias.md").read_text()


def test_of_methods_of_ones_own(tmp_path):
    (tmp_path / "m.py").write_text(OWN)
    (tmp_path / "s.yaml").write_text(json.dumps(study(
        "pooled", {"use": "m.py:means", "when_x": 1, "estimand": "intercept"}
    )))  # fmt: skip
    warned: list[str] = []
    every = simstudy.run(tmp_path / "s.yaml", results=tmp_path, warn=warned.append, report=False)
    assert "160 of 320 fits failed" in "\n".join(warned)
    (tmp_path / "s.yaml").write_text(json.dumps(study(
        "pooled",
        {"use": "m.py:means", "when_x": 1, "estimand": "intercept", "when": "x_icc = 0"},
    )))  # fmt: skip
    warned.clear()
    some = simstudy.run(tmp_path / "s.yaml", results=tmp_path, warn=warned.append, report=False)
    assert some.n_fits == 0 and some.failures.empty
    assert (
        len(warned) == 1 and "4 of the stored scenario x method pairs left the study" in warned[0]
    )
    warned.clear()
    assert simstudy.run(tmp_path / "s.yaml", results=tmp_path, warn=warned.append,
                        report=False).n_fits == 0  # fmt: skip
    assert warned == []  # it is said once
    assert [m.canonical for m in some.study.methods] == [m.canonical for m in every.study.methods]
    fresh = simstudy.run(tmp_path / "s.yaml", results=tmp_path / "fresh", report=False,
                         warn=warned.append)  # fmt: skip
    assert fresh.n_fits == 12 * 40 and warned == []
    assert fresh.summary.equals(some.summary)
    (tmp_path / "n.py").write_text(OWN.replace("when_x", "when"))
    with pytest.raises(Exception, match="'when' is a word of the study file's own"):
        simstudy.load(study({"use": str(tmp_path / "n.py") + ":means"}))


def test_a_replay_shows_what_was_asked_for(tmp_path):
    results = run(tmp_path, SOME)
    (scenario,) = {d.id for d in results.study.designs
                   if d.levels == results.study.designs[1].levels}  # fmt: skip
    assert results.study.designs[1].levels["x_icc"] == 1
    ran = call("replay", results.folder, "--scenario", scenario, "--replication", "3", "--json")
    fits = json.loads(ran.out)["fits"]
    assert [fit["label"] for fit in fits] == ["pooled"] and fits[0]["verdict"] == "identical"
    ran = call("replay", results.folder, "--scenario", scenario, "--replication", "3",
               "--method", "dummy", "--json")  # fmt: skip
    assert json.loads(ran.out)["fits"][0]["verdict"] == "not stored"


@pytest.mark.parametrize(
    "methods, said",
    [
        (["pooled", {"dummy": {"when": "x_icc == 2"}}],
         "methods[1].dummy.when: x_icc == 2: no scenario is like that (x_icc 0, 1)"),
        (["pooled", {"dummy": {"when": "xicc = 1"}}], "unknown field 'xicc'; did you mean 'x_icc'"),
        (["pooled", {"dummy": {"when": "rho > 0"}}], "did you mean 'icc'"),
        (["pooled", {"dummy": {"when": "measure = bias"}}], "unknown field 'measure'"),
        (["pooled", {"dummy": {"when": "icc > low"}}], "'low' is no number"),
        (["pooled", {"dummy": {"when": "icc = low"}}], "'low' is no number, and icc holds some"),
        (["pooled", {"dummy": {"when": "x > 1"}}], "x holds text, which has no order"),
        (["pooled", {"dummy": {"when": ""}}], "is empty"),
        (["pooled", {"dummy": {"when": 3}}], "expected text"),
        (["pooled", {"dummy": {"when": True}}], "expected text"),
        (["pooled", {"dummy": {"when": ["icc = 0"]}}], "expected text"),
        (["pooled", {"dummy": {"when": "icc = 0 or icc = 0.2"}}], "joined by 'and' alone"),
        ([{"dummy": {"when": "x_icc = 0"}}],
         "scenarios: no method is asked for in 4 of 8 scenarios (n_clusters 8, cluster_size 4, "
         "icc 0, x_icc 1, slope 0, ...)"),
        ([{"dummy": {"wenn": "x_icc = 0"}}], "did you mean 'when'"),
        (["pooled", {"pooled": {"when": "x_icc = 0"}}], "pooled is listed twice"),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path, methods, said):
    (tmp_path / "s.yaml").write_text(json.dumps(study(*methods)))
    ran = call("plan", tmp_path / "s.yaml")
    assert ran.code == 2 and said in ran.err and ran.err.count("\n") == 1


def test_any_field_of_a_scenario_may_be_asked_for():
    for text, n in (
        ("n_clusters = 8", 8), ("cluster_size = 4", 4), ('cluster_size != "uniform 2-6"', 4),
        ("slope = 0 and intercept = 0 and x = normal", 8), ("total_variance < 2", 8),
        ("design_effect > 1", 2), ("n_obs = 32", 8), ("cluster_size > 3", 4),
    ):  # fmt: skip
        loaded = simstudy.load(study("pooled", {"dummy": {"when": text}}))
        assert loaded.n_asked(loaded.methods[1]) == n, text
    design = loaded.designs[0]
    found = simstudy.load(study("pooled", {"dummy": {"when": f"scenario = {design.id}"}}))
    assert [found.asks(d, found.methods[1]) for d in found.designs] == [True, *[False] * 7]


def test_it_stands_in_the_schema_and_in_the_words():
    every = schema()["properties"]["methods"]["items"]["anyOf"]
    options = next(one for one in every if "pooled" in one.get("properties", {}))
    (mapping, _) = options["properties"]["pooled"]["anyOf"]
    assert mapping["properties"]["when"]["type"] == "string"
    assert "when: 'x_icc = 1'" in call("methods").out
    ran = call("fit", "none.csv", "y ~ x + (1 | g)", "--method", "pooled: {when: icc = 0}")
    assert ran.code == 2 and "when: is of a study's scenarios" in ran.err


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return run(tmp_path_factory.mktemp("where"), SOME)


@pytest.mark.parametrize(
    "where, keep",
    [
        ("x_icc == 1", lambda f: f.x_icc == 1),
        ("method = dummy and measure = bias", lambda f: (f.method == "dummy")
         & (f.measure == "bias")),
        ('cluster_size = "uniform 2-6" and icc > 0.1', lambda f: (f.icc > 0.1)
         & (f.cluster_size == "uniform 2-6")),
        ("cluster_size = 4", lambda f: f.cluster_size == "4"),
        ("alpha = 0.05 and truth = 0", lambda f: f.alpha == 0.05),
        ("intercept = 0 and x = normal and icc != 0.2", lambda f: f.icc == 0),
        ("estimand = slope and design_effect <= 1", lambda f: f.design_effect <= 1),
    ],
)  # fmt: skip
def test_rows_of_a_studys_summary(results, where, keep):
    ran = call("summarize", results.folder, "--where", where, "--format", "json")
    found = results.summary
    want = found[keep(found)]
    assert ran.err == "" and 0 < len(want) < len(found)
    got = [(row["scenario"], row["method"], row["measure"], row["value"])
           for row in json.loads(ran.out)]  # fmt: skip
    value = want.value.astype(object).where(want.value.notna(), None)
    assert got == list(zip(want.scenario, want.method, want.measure, value, strict=True))


def test_tables_of_the_rows_that_are_asked_for(results):
    ran = call("summarize", results.folder, "--where", "x_icc = 1 and method = pooled")
    assert ran.err == "" and "x_icc 1" in ran.out and "dummy" not in ran.out
    assert "asked for" not in ran.out
    ran = call("summarize", results.folder, "--where", "icc = 0", "--measure", "bias", "coverage")
    assert "Coverage" in ran.out and "icc 0" in ran.out
    median = call("summarize", results.folder, "--where", "icc = 0", "--measure", "median_bias")
    assert "Median bias" in median.out


@pytest.mark.parametrize(
    "where, said",
    [
        ("x_ic = 1", "--where: unknown field 'x_ic'; did you mean 'x_icc'?"),
        ("value > 0", "unknown field 'value'"),
        ("icc = 0.3", "no row is like that: icc = 0.3"),
        ("icc = high", "'high' is no number, and icc holds some (it has 0, 0.2)"),
        ("method < 2", "method holds text, which has no order"),
        ("icc", "after 'icc' expected one of"),
        ("__import__('os')", "expected one of"),
        ("icc = 0; import os", "expected 'and' before 'import'"),
    ],
)
def test_conditions_on_a_summary_that_are_refused(results, where, said):
    ran = call("summarize", results.folder, "--where", where)
    assert ran.code == 2 and said in ran.err and ran.err.count("\n") == 1 and not ran.out


def test_an_empty_group_costs_no_number_elsewhere(results):
    """Groups that are not asked for have zeros, and no division by them is heard."""
    with np.errstate(all="raise"):
        assert np.isfinite(results.summary[results.summary.measure == "bias"].value).all()
