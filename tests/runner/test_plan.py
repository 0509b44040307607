"""What `plan` says: Monte Carlo errors of the pilot's own rates, what is there, what is missing."""

from __future__ import annotations

import math
import re
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers_cli import call

from simstudy import run
from simstudy.measures.values import NAN, Column, mean_of, proportion
from simstudy.runner import precision
from simstudy.runner.precision import needed
from simstudy.study.study import load
from simstudy.study.yaml_lines import parse

# pooled ignores clusters at x_icc 1: its size is .3, the power of the other is near one half
STUDY: dict[str, Any] = {
    "name": "near", "seed": 5, "replications": 400,
    "scenarios": {"n_clusters": 12, "cluster_size": 5, "icc": 0.3, "x_icc": 1.0,
                  "slope": [0.0, 0.45]},
    "methods": ["pooled", "random_intercept"],
}  # fmt: skip
TEXT = """\
name: near
seed: 5
replications: 400
scenarios:
  n_clusters: 12
  cluster_size: 5
  icc: 0.3
  x_icc: 1.0
  slope: [0.0, 0.45]
methods: [pooled, random_intercept]
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("near.yaml").write_text(TEXT)
    return tmp_path


def test_rates_are_the_pilots_own_not_the_nominal_level():
    found = precision.precision(load(STUDY)).worst
    power, size, rate = (found[name] for name in ("power", "type1_error", "rejection_rate"))
    assert power.design.levels["slope"] == 0.45
    assert power.one == pytest.approx(0.5, abs=0.02) and power.most >= power.one
    assert size.method.name == "pooled" and size.design.levels["slope"] == 0
    assert rate.one == max(power.one, size.one)
    # the nominal level would have said sqrt(.05 x .95) = .218
    assert size.one > 0.35
    assert found["coverage"].method.name == "pooled"
    assert set(found) <= {*precision.FORECAST, "power", "type1_error"}


def test_a_forecast_is_what_the_study_has(tmp_path):
    """Against the Monte Carlo SE of the study itself, in the cell that is the least precise."""
    study = load({**STUDY, "replications": 3000})
    worst = precision.precision(study).worst
    summary = run(study, results=tmp_path, report=False, jobs=1).summary
    for name in ("rejection_rate", "coverage", "bias", "model_se", "mean_ci_width"):
        found = summary[summary.measure == name].mcse.max()
        said = worst[name].one / math.sqrt(3000)
        assert said == pytest.approx(found, rel=0.1), name
        assert worst[name].most / math.sqrt(3000) > 0.93 * found


def column(measure: str, value: Any, n: int, lost: int = 0, alpha: float = 0.05) -> Column:
    one = np.array([n])
    return Column(measure, alpha, value, one, np.array([lost]), one > 0)


# totals of which the kurtosis alone is read: that of a t with 5 df is 9
_ABOUT = {(4, 0): np.array([9.0 * 100]), (2, 0): np.array([100.0])}
HEAVY: Any = SimpleNamespace(of_error=SimpleNamespace(about=_ABOUT))


def test_a_small_pilot_has_an_honest_limit():
    few = proportion(np.array([0]), np.array([10]))
    one, most = precision._of_one(column("rejection_rate", few, 10), HEAVY)
    # Wilson's upper limit of 0 of 10 is .2775
    assert most[0] == pytest.approx(math.sqrt(0.27753 * (1 - 0.27753)), rel=1e-4)
    assert one[0] == pytest.approx(math.sqrt((0.5 / 11) * (10.5 / 11)))
    half = proportion(np.array([300]), np.array([1000]))
    one, most = precision._of_one(column("coverage", half, 1000), HEAVY)
    limit = 0.3291476  # Wilson's upper
    assert most[0] == pytest.approx(math.sqrt(limit * (1 - limit)), rel=1e-4)
    # where half of the fits have no result, twice as many replications are needed
    lost, _ = precision._of_one(column("coverage", half, 1000, 1000), HEAVY)
    assert lost[0] == pytest.approx(one[0] * math.sqrt(2))
    bias = mean_of(np.array([0.0]), np.array([99.0]), np.array([100]))
    one, most = precision._of_one(column("bias", bias, 100, alpha=NAN), HEAVY)
    assert one[0] == pytest.approx(1.0)
    assert most[0] == pytest.approx(math.exp(1.959964 * math.sqrt(8 / 400)))  # kurtosis 9


def test_the_replications_that_are_needed():
    assert needed(0.5, 0.005) == 10_000
    assert needed(math.sqrt(0.05 * 0.95), 0.002) == 11_875
    assert needed(math.sqrt(0.453 * 0.547), 0.005) == 9_912


def test_plan_accepts_power_and_type1_error(here):
    ran = call("plan", "near.yaml", "--mcse", "power=0.005", "--mcse", "type1_error=.01")
    assert (ran.code, ran.err) == (0, "")
    power, size = ran.out.splitlines()[-2:]
    n = int(re.search(r"of power: ([\d,]+) replications", power)[1].replace(",", ""))
    assert 9_600 < n <= 10_000
    assert "slope 0.45) at alpha 0.05" in power
    assert "most are needed by pooled in scenario" in size and "slope 0)" in size
    found = call("plan", "near.yaml", "--mcse", "type2_error=0.1")
    assert found.code == 2
    assert "ask for power, 1 minus the type 2 error rate" in found.err


def test_plan_says_what_is_there_and_what_is_missing(here):
    assert "results/near: nothing is there yet" in call("plan", "near.yaml").out
    call("run", "near.yaml", "--no-report", "--quiet")
    assert (
        "results/near: 1,600 of 1,600 fits are there; nothing is missing"
        in call("plan", "near.yaml").out
    )
    Path("near.yaml").write_text(
        TEXT.replace("0.45]", "0.45, 0.5]").replace("_intercept]", "_intercept, dummy]")
    )
    lines = call("plan", "near.yaml", "--results", "results").out.splitlines()
    (k,) = [k for k, line in enumerate(lines) if line.startswith("results/near: ")]
    assert lines[k].startswith("results/near: 1,600 of 3,600 fits are there; 2,000 are missing")
    assert lines[k + 1 : k + 4] == [
        "  pooled: 400 of 1,200", "  random_intercept: 400 of 1,200", "  dummy: 1,200 of 1,200",
    ]  # fmt: skip
    assert sorted(str(p) for p in here.iterdir()) == [
        str(here / "near.yaml"),
        str(here / "results"),
    ]
    Path("near.yaml").write_text(TEXT.replace("seed: 5", "seed: 6"))
    other = call("plan", "near.yaml")
    assert other.code == 2 and "holds results of seed 5" in other.err


def test_power_and_type1_error_in_summarize_and_compare(here):
    call("run", "near.yaml", "--no-report", "--quiet")
    rows = {}
    for name in ("rejection_rate", "power", "type1_error"):
        out = call("summarize", "results/near", "--measure", name, "--format", "csv").out
        rows[name] = out.splitlines()[1:]
    assert sorted(rows["power"] + rows["type1_error"]) == sorted(rows["rejection_rate"])
    assert all(",0.45," in row for row in rows["power"])
    text = call("summarize", "results/near", "--measure", "type1_error").out
    assert "0.45" not in text and "Rejection rate (Type I error) at alpha 0.05" in text
    Path("p.csv").write_text(
        "method,measure,printed,replications\npooled,power,.9,1000\npooled,type1_error,.3,1000\n"
    )
    ran = call("compare", "results/near", "p.csv")
    assert (ran.code, ran.err) == (0, "")
    assert len(ran.out.splitlines()) == 4
    none = call("summarize", "results/near", "--measure", "sd")
    assert none.code == 2 and none.err.startswith(
        "unknown measure 'sd'; did you mean 'empirical_se'"
    )


def test_a_study_without_a_true_null_has_no_type1_error(here):
    Path("near.yaml").write_text(TEXT.replace("[0.0, 0.45]", "0.45"))
    ran = call("plan", "near.yaml", "--mcse", "type1_error=.01")
    assert ran.code == 0
    assert "no Monte Carlo SE of type1_error could be forecast" in ran.out
    call("run", "near.yaml", "--no-report", "--quiet")
    found = call("summarize", "results/near", "--measure", "type1_error")
    assert found.code == 2
    assert "no row of type1_error here (rejection_rate has it where the truth is the null" in (
        found.err
    )


# YAML and the terminal


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("name: a\nscenarios:\n\tn_clusters: 3\n", 3, "this line is indented with a tab"),
        ("name: a\nscenarios:\n  icc: 0.1\n\tx_icc: 0\n", 4, "this line is indented with a tab"),
        ("name: a\nmethods:\n\t- pooled\n", 3, "this line is indented with a tab"),
        ("name: a\nmethods:\n  \t- pooled\n  - dummy\n", 3, "this line is indented with a tab"),
        ("name: a\ntitle:\tx\nscenarios: [\n", 2, "a tab stands where YAML takes blanks"),
    ],
)
def test_tabs_are_said(text, line, said):
    with pytest.raises(Exception, match=f"s.yaml:{line}: not YAML: {said}") as caught:
        parse(text, "s.yaml")
    assert "\n" not in str(caught.value)


def test_a_mistake_that_is_no_tab_is_not_called_one():
    with pytest.raises(Exception, match=r"s.yaml:5: not YAML") as caught:
        parse("name: a\nb: [\n\nc: 1\n", "s.yaml")
    assert "tab" not in str(caught.value)


def test_plan_forecasts_where_scenarios_stop(here):
    rule = "replications: {mcse: {power: 0.02, share_failed: 0.1}, min: 100, max: 9000}"
    Path("near.yaml").write_text(re.sub("replications: .*", rule, TEXT))
    ran = call("plan", "near.yaml")
    assert (ran.code, ran.err) == (0, "")
    head, *lines = ran.out.splitlines()[1:4]
    assert re.fullmatch(
        r"near: 2 scenarios x 2 methods, about [\d,]+ fits expected, until Monte Carlo SEs are at "
        r"power 0.02, share_failed 0.1:", head
    )  # fmt: skip
    said = dict(
        re.match(r"  ([\d,]+) replications in (\d): ", line).groups()
        for line in lines if "replications in" in line
    )  # fmt: skip
    assert said["100"] == "1"  # without power
    assert "no Monte Carlo SE of share_failed is forecast" in ran.out
    found = run("near.yaml", report=False, jobs=1, warn=[].append)
    numbers = Counter(str(found.study.n_reps(design.id)) for design in found.study.designs)
    assert {n: str(k) for n, k in numbers.items()} == said
    tiny = "replications: {mcse: {bias: 1.0e-300}, min: 100, max: 9000}"
    Path("tiny.yaml").write_text(re.sub("replications: .*", tiny, TEXT))
    assert "  9,000 replications in 2: " in call("plan", "tiny.yaml").out
    refused = call("plan", "near.yaml", "--mcse", "power=0.5")
    assert refused.code == 2 and "write 0.005 for 0.5 percentage points" in refused.err
