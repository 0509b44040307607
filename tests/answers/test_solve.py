"""Solving for a field of real studies, in folders."""

import json

import pytest
from helpers_cli import call

from simstudy import Results
from simstudy.answers.solve.solve import as_json, solve
from simstudy.runner.events import Done

EXACT = 10
STUDY = """\
name: small
seed: 4
replications: 100
scenarios:
  n_clusters: [5, 900]
  cluster_size: 20
  icc: 0.1
  x: binary
  x_icc: 1
  slope: [0, 0.8]
methods: [cluster_means, dummy]
"""


@pytest.fixture(scope="module")
def solved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("solved")
    (folder / "small.yaml").write_text(STUDY)
    arguments = ("solve", folder / "small.yaml", "--for", "n_clusters", "--power", 0.8)
    ran = call(*arguments, "--results", folder / "results", "--json", "--jobs", 1)
    assert ran.code == 0, ran.err
    return folder, arguments, ran


def test_the_contract_of_json(solved):
    """The smallest J of this design by the noncentral t (scipy's nct): .7660 with 9, .8279."""
    rows = json.loads(solved[2].out)
    assert [set(row) for row in rows] == 4 * [
        {"scenario", "method", "root", "ci_low", "ci_high", "value", "mcse", "replications",
         "reason"}
    ]  # fmt: skip
    none, _, found, dummy = rows
    assert none["root"] is None and none["reason"].startswith("the slope is 0: what rejects")
    assert dummy["root"] is None and dummy["reason"].startswith("no replication is estimable")
    assert found["scenario"] == {"cluster_size": 20, "icc": 0.1, "x_icc": 1.0, "slope": 0.8,
                                 "x": "binary"}  # fmt: skip
    assert found["ci_low"] <= found["root"] <= found["ci_high"]
    assert abs(found["root"] - EXACT) <= 1 and found["ci_low"] <= EXACT <= found["ci_high"]
    assert abs(found["value"] - 0.8) < 0.06 and 0 < found["mcse"] < 0.01


def test_the_folder_is_an_ordinary_one(solved):
    folder = solved[0] / "results" / "small-solve-n_clusters"
    assert call("status", folder).code == 0
    results = Results.open(folder)
    assert {d.level("slope") for d in results.study.designs} == {0.8}
    assert results.n_missing == 0
    asked = ("summarize", folder, "--measure", "power", "--where", "method = cluster_means")
    assert call(*asked).code == 0
    for name in ("solve.json", "tables/solve.csv", "tables/solve.md", "tables/solve.tex",
                 "figures/solve.png", "figures/solve.pdf"):  # fmt: skip
        assert (folder / "report" / name).stat().st_size > 100
    assert call("report", folder).code == 0
    assert (folder / "report/tables/solve.csv").is_file()


def test_again_it_computes_nothing_and_says_the_same(solved):
    folder, arguments, ran = solved
    parts = sorted((folder / "results/small-solve-n_clusters/estimates").iterdir())
    times = [part.stat().st_mtime_ns for part in parts]
    again = call(*arguments, "--results", folder / "results", "--json")
    assert again.out == ran.out
    assert [part.stat().st_mtime_ns for part in parts] == times
    shown = call(*arguments, "--results", folder / "results")
    assert "none a" in shown.out and "solve.png" in shown.out and shown.err == ""


def test_what_was_interrupted_goes_on_to_the_same_answer(solved, tmp_path):
    folder, _, ran = solved
    config, n_done = folder / "small.yaml", 0

    def stop(event):
        nonlocal n_done
        n_done += isinstance(event, Done)
        if n_done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        solve(config, "n_clusters", power=0.8, results=tmp_path, jobs=1, listen=stop)
    assert list((tmp_path / "small-solve-n_clusters" / "estimates").iterdir())
    found = solve(config, "n_clusters", power=0.8, results=tmp_path, jobs=1)
    assert as_json(found) == ran.out


def test_a_measure_that_is_no_rate(tmp_path):
    """SE of a difference of arm means: sqrt(.145 (1/7 + 1/8)) is .197 with 15, .204 with 14."""
    study = {
        "name": "se", "seed": 2, "replications": 1, "methods": ["cluster_means"],
        "scenarios": {"n_clusters": 9, "cluster_size": 20, "icc": 0.1, "x": "binary", "x_icc": 1,
                      "slope": 0},
    }  # fmt: skip
    found = solve(study, "n_clusters", target="empirical_se<=0.2", results=tmp_path, jobs=1)
    (answer,) = found.answers
    assert answer.ci_low <= 15 <= answer.ci_high and abs(answer.root - 15) <= 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--for", "n_cluster", "--power", 0.8), "did you mean 'n_clusters'?"),
        (("--for", "x", "--power", 0.8), "--for x: is no field that is a number"),
        (("--for", "n_clusters", "--power", 80), "80 is not in (0, 1); write 0.8"),
        (("--for", "n_clusters"), "give one of --power P"),
        (("--for", "n_clusters", "--target", "powr>=.8"), "did you mean 'power'?"),
        (("--for", "icc", "--power", 0.8, "--range", ".5:1.5"), "1.5 is not in [0, 1)"),
        (("--for", "icc", "--power", 0.8, "--range", ".5:.1"), "0.5 is not below 0.1"),
        (("--for", "x_icc", "--power", 0.8), "small.yaml:9: scenarios.x_icc[1]: 0.5 is neither"),
        (("--for", "w.slope", "--power", 0.8), "small.yaml:4: scenarios: --for w.slope: there is"),
        (("--for", "icc", "--power", 0.8, "--method", "pool"), "no such method"),
    ],
    ids=["near", "text", "percent", "nothing", "measure", "domain", "order", "place", "none",
         "method"],
)  # fmt: skip
def test_bad_input_is_refused_in_a_line(solved, tmp_path, arguments, said):
    ran = call("solve", solved[0] / "small.yaml", *arguments, "--results", tmp_path / "none")
    assert ran.code == 2 and said in ran.err and ran.err.count("\n") == 1
    assert not (tmp_path / "none").exists()


def test_conditions_of_methods_hold_as_elsewhere(tmp_path):
    """A method that no scenario with an answer asks for does not stop the others."""
    (tmp_path / "when.yaml").write_text(STUDY.replace("dummy", "dummy: {when: 'slope = 0'}"))
    ran = call("solve", tmp_path / "when.yaml", "--for", "n_clusters", "--power", 0.8,
               "--tolerance", 4, "--results", tmp_path, "--json", "--jobs", 1)  # fmt: skip
    rows = json.loads(ran.out)
    assert [row["reason"] for row in rows if row["method"] == "dummy"][1] == "not asked for there"
    assert abs(rows[2]["root"] - EXACT) <= 4
    (tmp_path / "when.yaml").write_text(STUDY.replace("dummy", "dummy: {when: 'n_clusters > 2'}"))
    ran = call("solve", tmp_path / "when.yaml", "--for", "n_clusters", "--power", 0.8)
    assert ran.code == 2 and "when.yaml:11: methods[1]: when: n_clusters > 2 is about" in ran.err


def test_claims_of_levels_that_are_ignored_do_not_matter(tmp_path):
    """They are about levels of the study file; nothing is claimed of those that are tried."""
    claim = "power of cluster_means > 0.9 where n_clusters = 900 and slope > 0"
    (tmp_path / "said.yaml").write_text(f"{STUDY}claims: ['{claim}']\n")
    ran = call("solve", tmp_path / "said.yaml", "--for", "n_clusters", "--power", 0.8,
               "--tolerance", 4, "--results", tmp_path, "--json", "--jobs", 1)  # fmt: skip
    assert ran.code == 0 and abs(json.loads(ran.out)[2]["root"] - EXACT) <= 4


def test_another_question_starts_afresh_where_it_shares_no_fit(solved):
    """The way out that the message names is there."""
    folder, *_ = solved
    (folder / "other.yaml").write_text(STUDY.replace("[cluster_means, dummy]", "[pooled]"))
    arguments = ("solve", folder / "other.yaml", "--for", "n_clusters", "--power", 0.8,
                 "--tolerance", 4, "--results", folder / "results", "--jobs", 1)  # fmt: skip
    ran = call(*arguments)
    assert ran.code == 2 and "--fresh moves it aside" in ran.err
    ran = call(*arguments, "--fresh")
    assert ran.code == 0 and "earlier results are in" in ran.err
    assert (folder / "results" / "small-solve-n_clusters.1" / "estimates").is_dir()
