"""Covariates and slopes that vary in a study file: factors, names, and what is refused."""

from __future__ import annotations

import copy
import itertools

import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers_cli import assert_refused, call, conforms

import simstudy
from simstudy.errors import UserError
from simstudy.generators.scenario import Correlation
from simstudy.study.json_schema import schema
from simstudy.summary.study import scenario_table, stored_scenarios

# name: a line a field, so that a test can say on which line the mistake is
START = """\
name: bad
seed: 1
replications: 20
methods: [pooled]
scenarios:
  n_clusters: 4
  cluster_size: 5
  icc: 0.1
  slope: 0
"""
NORMAL = "  x_icc: 0.3\n  covariates:\n"  # a covariate stands on line 12

# name -> (what follows START, line of the mistake, what the message must hold)
BAD: dict[str, tuple[str, int, tuple[str, ...]]] = {
    "a list": (
        "  x_icc: 0\n  covariates: [{a: {icc: 0}}, {}]",
        11,
        ("scenarios.covariates", "mapping", "a list"),
    ),
    "nothing": ("  x_icc: 0\n  covariates:", 11, ("scenarios.covariates", "nothing")),
    "no fields": (NORMAL + "    a: {}", 12, ("scenarios.covariates.a", "'icc' is missing")),
    "a number": (NORMAL + "    a: 0.3", 12, ("scenarios.covariates.a", "icc", "0.3")),
    "icc missing": (NORMAL + "    a: {slope: 1}", 12, ("covariates.a", "'icc'", "missing")),
    "icc 1.2": (
        NORMAL + "    a: {icc: [0, 1.2]}",
        12,
        ("scenarios.covariates.a.icc[1]: 1.2 is not in [0, 1]",),
    ),
    "icc a mapping": (NORMAL + "    a: {icc: {x: 1}}", 12, ("a.icc", "number", "mapping")),
    "slope of text": (NORMAL + "    a: {icc: 0, slope: big}", 12, ("a.slope", "'big'")),
    "unknown key": (NORMAL + "    a: {icc: 0, slop: 1}", 12, ("a.slop", "'slope'")),
    "synonym": (NORMAL + "    a: {icc: 0, beta: 1}", 12, ("a.beta", "'slope'")),
    "equal levels": (NORMAL + "    a: {icc: [0.1, 0.1]}", 12, ("a.icc[1]", "twice")),
    "empty levels": (NORMAL + "    a: {icc: []}", 12, ("a.icc", "empty")),
    "named x": (NORMAL + "    x: {icc: 0}", 12, ("covariates.x", "'x' is taken")),
    "named as a field": (NORMAL + "    slope_sd: {icc: 0}", 12, ("'slope_sd' is taken",)),
    "named as an estimand": (NORMAL + "    sigma2: {icc: 0}", 12, ("'sigma2' is taken",)),
    "named cluster": (NORMAL + "    cluster: {icc: 0}", 12, ("'cluster' is taken",)),
    "a dot in the name": (NORMAL + "    a.b: {icc: 0}", 12, ("'a.b' cannot name",)),
    "blanks in the name": (NORMAL + "    pre test: {icc: 0}", 12, ("'pre test' cannot name",)),
    "a number for a name": (NORMAL + "    3: {icc: 0}", 12, ("'3' cannot name",)),
    "unknown type": (NORMAL + "    a: {type: binery, icc: 0}", 12, ("a.type", "'binary'")),
    "binary, icc .5": (NORMAL + "    a: {type: binary, icc: 0.5}", 12, ("a.icc", "0 nor 1")),
    "blocked with an icc": (
        NORMAL + "    a: {type: binary_blocked, icc: 0}",
        12,
        ("a.icc", "binary_blocked"),
    ),
    "a column of no file": (NORMAL + "    a: {column: pre}", 12, ("a.column", "file of x")),
    "a column, other form": (
        NORMAL + "    a: {type: {column: pre}}",
        12,
        ("a.type.column", "file of x"),
    ),
    "type and column": (
        NORMAL + "    a: {type: normal, column: pre, icc: 0}",
        12,
        ("a.column", "beside type"),
    ),
    "correlation of 1": (
        NORMAL + "    a: {icc: 0.2, correlation: {x: 1}}",
        12,
        ("a.correlation.x: 1 is not in (-1, 1)",),
    ),
    "correlation with nobody": (
        NORMAL + "    a: {icc: 0.2, correlation: {z: 0.3}}",
        12,
        ("a.correlation.z", "'z' is no other predictor"),
    ),
    "correlation with itself": (
        NORMAL + "    a: {icc: 0.2, correlation: {a: 0.3}}",
        12,
        ("a.correlation.a", "no other predictor"),
    ),
    "correlation, a number": (
        NORMAL + "    a: {icc: 0.2, correlation: 0.3}",
        12,
        ("a.correlation", "OTHER", "0.3"),
    ),
    "correlation at no level": (
        NORMAL + "    a: {icc: 0.2, correlation: {x: {inside: 0.3}}}",
        12,
        ("a.correlation.x", "'inside'", "within, between"),
    ),
    "correlation said twice": (
        NORMAL + "    a: {icc: 0.2, correlation: {b: 0.3}}\n"
        "    b: {icc: 0.2, correlation: {a: 0.3}}",
        13,
        ("b.correlation.a", "twice"),
    ),
    "within of a cluster-level covariate": (
        NORMAL + "    a:\n      icc: [0.2, 1]\n      correlation: {x: {within: 0.3, between: 0.2}}",
        14,
        ("a.correlation.x.within", "a does not vary within"),
    ),
    "between of an x of units": (
        "  x_icc: 0\n  covariates:\n    a: {icc: 0.2, correlation: {x: {between: 0.2}}}",
        12,
        ("a.correlation.x.between", "x does not vary between"),
    ),
    "correlation with a binary x": (
        "  x: binary\n  x_icc: 1\n  covariates:\n    a: {icc: 0.2, correlation: {x: 0.2}}",
        13,
        ("a.correlation.x", "x is not normal"),
    ),
    "correlation of a binary one": (
        NORMAL + "    a: {icc: 0.2, correlation: {b: 0.2}}\n    b: {icc: 1, type: binary}",
        12,
        ("a.correlation.b", "b is not normal"),
    ),
    "no data are like that": (
        NORMAL + "    a: {icc: 0.2, correlation: {x: 0.9}}\n"
        "    b: {icc: 0.2, correlation: {x: 0.9, a: -0.5}}",
        13,
        ("b.correlation.a", "within clusters of x, a, b", "not positive definite"),
    ),
    "no data are like that, between": (
        "  x_icc: 1\n  covariates:\n"
        "    a: {icc: 1, correlation: {x: 0.9}}\n    b: {icc: 1, correlation: {x: 0.9, a: -0.5}}",
        13,
        ("between clusters", "not positive definite"),
    ),
    "slope_sd below 0": ("  x_icc: 0\n  slope_sd: -1", 11, ("slope_sd", "-1 is not in [0")),
    "slope_correlation above 1": (
        "  x_icc: 0\n  slope_sd: 1\n  slope_correlation: 2",
        12,
        ("slope_correlation", "2 is not in [-1, 1]"),
    ),
    "slope_correlation alone": (
        "  x_icc: 0\n  slope_correlation: 0.5",
        11,
        ("slope_correlation", "slope_sd"),
    ),
    "pooled slopes": (
        "  x_icc: 0\n  slope_sd: 1\ngrain: pooled",
        12,
        ("grain", "slopes that vary"),
    ),
    "pooled binary covariate": (
        "  x_icc: 0\n  covariates: {a: {icc: 0, type: binary}}\ngrain: pooled",
        12,
        ("grain", "use clusters"),
    ),
    "synonym of the field": ("  x_icc: 0\n  covariate: {a: {icc: 0}}", 11, ("'covariates'",)),
    "when of nobody": (
        NORMAL + "    a: {icc: 0}\nmethods: [{dummy: {when: b.slope > 0}}]",
        13,
        ("b.slope", "when"),
    ),
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", BAD)
def test_bad_covariates(here, name):
    more, line, phrases = BAD[name]
    text = START.replace("methods: [pooled]", "aim: a") if "methods:" in more else START
    (here / "study.yaml").write_text(text + more + "\n")
    message = assert_refused(call("plan", "study.yaml"))
    assert message.startswith(f"study.yaml:{line}: "), message
    for phrase in phrases:
        assert phrase in message, message


# --- files ------------------------------------------------------------------------------------

ROWS = """\
school,x,pre,sex,flat,same,gap
1,0.5,1,f,2,3,1
1,0.7,2,m,2,3,4
1,0.1,4,m,2,3,2
2,0.4,3,f,5,3,
2,0.9,1,f,5,3,3
3,0.2,5,m,1,3,5
3,0.8,2,f,1,3,1
"""
FILE = "  x: {file: d.csv, column: x, cluster: school}\n  covariates:\n"
BAD_FILE = {
    "constant column": ("    a: {column: same}", 11, ("a.column", "'same' does not vary")),
    "no such column": ("    a: {column: prex}", 11, ("a.column", "prex")),
    "x itself": ("    a: {column: x}", 11, ("a.column", "is x itself")),
    "an icc": ("    a: {column: pre, icc: 0.2}", 11, ("a.icc", "file decides")),
    "a correlation": (
        "    a: {column: pre, correlation: {x: 0.2}}",
        11,
        ("a.correlation.x", "a is not normal"),
    ),
    "binary in clusters beside it": (
        "    a: {column: pre}\n    b: {type: binary, icc: 0}",
        12,
        ("b: a binary covariate within clusters", "icc 1"),
    ),
}


def _of_file(text: str) -> str:
    lines = START.replace("  n_clusters: 4\n  cluster_size: 5\n", "")
    return lines + FILE + text + "\n"


@pytest.mark.parametrize("name", BAD_FILE)
def test_bad_columns(here, name):
    more, line, phrases = BAD_FILE[name]
    (here / "d.csv").write_text(ROWS)
    (here / "study.yaml").write_text(_of_file(more))
    message = assert_refused(call("plan", "study.yaml"))
    assert message.startswith(f"study.yaml:{line - 1}: "), message
    for phrase in phrases:
        assert phrase in message, message


@pytest.mark.slow
def test_columns_of_the_file_of_x(here):
    """Rows that lack any of them are dropped, and text of two words is 0 and 1."""
    (here / "d.csv").write_text(ROWS)
    (here / "study.yaml").write_text(
        _of_file("    pre: {column: pre, slope: [0, 0.3]}\n    sex: {type: {column: sex}}\n"
                 "    gap: {column: gap}")
    )  # fmt: skip
    study = simstudy.load("study.yaml")
    assert len(study.designs) == 2
    s = study.designs[1].scenario
    assert [z.name for z in s.covariates] == ["pre", "sex", "gap"]
    assert s.given.sizes.tolist() == [3, 1, 2] and s.given.n_dropped == 1
    assert s.covariates[0].given.values.tolist() == [1, 2, 4, 1, 5, 2]
    assert s.covariates[1].given.values.tolist() == [0, 1, 1, 0, 1, 0]
    assert study.designs[0].levels["pre.column"] == "pre"
    found = simstudy.run(study, jobs=1, results=here, report=False)
    assert np.isfinite(found.summary["value"].dropna()).all()


# --- factors ----------------------------------------------------------------------------------


def _study(**fields):
    base = {"n_clusters": 6, "cluster_size": 5, "icc": 0.1, "x_icc": [0.2, 1], "slope": 0}
    return {"name": "good", "seed": 1, "replications": 8, "methods": ["pooled"],
            "scenarios": base | fields}  # fmt: skip


TWO = {
    "baseline": {"icc": 0.2, "slope": [0, 0.5, 0.8], "correlation": {"x": [0, 0.3]}},
    "ses": {"icc": 1, "slope": 0.3, "correlation": {"baseline": {"between": [0.4, -0.4]}}},
}


def test_lists_inside_are_factors():
    study = simstudy.load(_study(covariates=TWO, slope_sd=[0, 0.2]))
    assert len(study.designs) == 2 * 3 * 2 * 2 * 2
    assert len({design.id for design in study.designs}) == len(study.designs)
    levels = study.designs[-1].levels
    assert levels["baseline.slope"] == 0.8 and levels["baseline.correlation.x"] == 0.3
    assert levels["ses.correlation.baseline.between"] == -0.4 and levels["slope_sd"] == 0.2
    table = stored_scenarios(study, {})
    for name in ("baseline.icc", "baseline.slope", "ses.slope", "slope_sd", "unadjusted_icc"):
        assert name in table.column_names
    assert "unadjusted_icc" not in scenario_table(study).column_names


def test_one_number_sets_both_levels_where_both_vary():
    study = simstudy.load(_study(x_icc=0.2, covariates={
        "a": {"icc": [0, 0.3, 1], "correlation": {"x": 0.4}},
        "b": {"icc": 0.5, "correlation": {"a": 0.2}},
    }))  # fmt: skip
    pairs = [design.scenario.covariates for design in study.designs]
    assert [a.correlations for a, _ in pairs] == [
        (Correlation("x", 0.4, None),),
        (Correlation("x", 0.4, 0.4),),
        (Correlation("x", None, 0.4),),
    ]
    assert [b.correlations[0] for _, b in pairs] == [
        Correlation("a", 0.2, None),
        Correlation("a", 0.2, 0.2),
        Correlation("a", None, 0.2),
    ]


def test_a_digest_minds_neither_order_nor_side_nor_spelling():
    one = {"a": {"icc": 0.3, "slope": 0}, "b": {"icc": 1, "correlation": {"a": 0.2, "x": 0.1}}}
    other = {
        "b": {"correlation": {"x": {"between": 0.1}}, "type": "normal", "icc": 1.0},
        "a": {"correlation": {"b": 0.2}, "icc": 0.3},
    }
    first, second = (simstudy.load(_study(x_icc=0.2, covariates=c)) for c in (one, other))
    assert [d.key for d in first.designs] == [d.key for d in second.designs]
    (design,) = second.designs
    assert [z.name for z in design.scenario.covariates] == ["b", "a"]  # the order of the file


def test_a_study_without_them_is_what_it_was():
    bare = simstudy.load(_study())
    said = simstudy.load(_study(covariates={}, slope_sd=0, slope_correlation=0))
    assert [d.key for d in bare.designs] == [d.key for d in said.designs]
    assert stored_scenarios(bare, {}).equals(scenario_table(bare))
    assert "slope_sd" not in scenario_table(said).column_names


def test_grids_may_have_other_covariates():
    base = {"n_clusters": 6, "cluster_size": 5, "icc": 0.1, "x_icc": 0.2, "slope": 0}
    study = _study()
    study["scenarios"] = [base, base | {"covariates": {"a": {"icc": 0, "slope": 1}}}]
    table = stored_scenarios(simstudy.load(study), {}).to_pydict()
    assert table["a.slope"] == [None, 1.0] and table["a.icc"] == [None, 0.0]
    assert table["unadjusted_icc"] == pytest.approx([0.1, 0.05])


def test_methods_are_asked_for_by_a_covariates_field():
    study = _study(x_icc=0.2, covariates={"a": {"icc": 0, "slope": [0, 1]}})
    study["methods"] = ["pooled", {"dummy": {"when": "a.slope > 0.5"}}]
    loaded = simstudy.load(study)
    assert [loaded.asks(d, loaded.methods[1]) for d in loaded.designs] == [False, True]


@pytest.mark.slow
def test_a_run_and_what_it_stores(tmp_path):
    study = _study(covariates=TWO, slope_sd=[0, 0.2], slope_correlation=0.4)
    results = simstudy.run(study, jobs=1, results=tmp_path, report=False)
    folder = tmp_path / "good"
    names = pq.read_table(folder / "scenarios.parquet").column_names
    assert {"baseline.slope", "ses.icc", "slope_correlation", "unadjusted_icc"} <= set(names)
    summary = results.summary
    assert "baseline.slope" in summary.columns and "unadjusted_icc" not in summary.columns
    again = simstudy.load(folder / "study.yaml")
    loaded = simstudy.load(study)
    assert [d.key for d in again.designs] == [d.key for d in loaded.designs]


def test_schema_takes_what_load_takes():
    good = _study(covariates=TWO, slope_sd=[0, 0.2], slope_correlation=-0.5)
    assert conforms(good, schema())
    columns = {"a": {"column": "pre"}, "b": {"type": {"column": "sex"}}}
    assert conforms(_study(covariates=columns), schema())
    for covariates in (
        [], {"x": {"icc": 0}}, {"a b": {"icc": 0}}, {"a": {"icc": 2}}, {"a": {"beta": 1}},
        {"a": {"icc": 0, "correlation": {"x": 1}}}, {"a": {"icc": 0, "type": "binery"}},
        {"a": {"icc": 0, "correlation": {"x": {"inside": 0}}}},
    ):  # fmt: skip
        assert not conforms(_study(covariates=covariates), schema())
    assert not conforms(_study(slope_sd=-1), schema())
    levels = {"a": {"icc": 0.1, "correlation": {"x": [{"within": 0}, {"within": 0.1}]}}}
    assert conforms(_study(covariates=levels), schema())
    assert not conforms(_study(covariates={"a": {}}), schema())


def test_a_condition_knows_what_is_not_written():
    grids = [_study(covariates={"a": {"icc": 0.1}})["scenarios"],
             _study(covariates={"a": {"icc": 0.2, "slope": [0, 1]}})["scenarios"],
             _study()["scenarios"]]  # fmt: skip
    chosen = [{"pooled": {"when": "a.slope = 0"}}, {"dummy": {"when": 'a.type = "normal"'}}, "gee"]
    study = simstudy.load(_study() | {"scenarios": grids, "methods": chosen})
    asked = [study.n_asked(method) for method in study.methods]
    assert asked == [4, 6, 8]
    assert scenario_table(study)["a.slope"].to_pylist() == [0, 0, 0, 1, 0, 1, None, None]


@pytest.mark.parametrize(
    ("key", "value", "end"),
    [
        ("baseline", {"icc": 0.2, "slope": 0.5}, "; write covariates: {baseline: ...}"),
        ("sex", {"type": "binary"}, "; write covariates: {sex: ...}"),
        ("baseline.slope", [0, 0.5], "; write covariates: {baseline: {slope: ...}}"),
        ("a.correlation.x", 0.5, "; write covariates: {a: {correlation: {x: ...}}}"),
    ],
)
def test_a_covariate_that_stands_among_the_fields_is_told_its_place(key, value, end):
    with pytest.raises(UserError) as caught:
        simstudy.load(_study(**{key: value}))
    assert str(caught.value).endswith(f"scenarios.{key}: unknown field{end}")


@pytest.mark.parametrize(
    ("item", "taken"),
    [
        ({"random_intercept": {"omit": ["baseline"], "estimand": "ses"}}, True),
        ({"random_intercept": {"omit": "baseline"}}, True),
        ({"within_between": {"estimand": "ses"}}, True),
        ({"use": "mine.py:f", "estimand": "ses"}, True),
        ({"pooled": {"estimand": "sigma2"}}, False),
        ({"pooled": {"estimand": "n_clusters"}}, False),
        ({"pooled": {"estimand": "two words"}}, False),
        ({"pooled": {"omit": ["baseline", "baseline"]}}, False),
        ({"pooled": {"omit": ["x"]}}, False),
    ],
    ids=str,
)
def test_schema_takes_methods_that_name_covariates(item, taken):
    assert conforms(_study(covariates=TWO) | {"methods": [item]}, schema()) == taken


@pytest.mark.slow
def test_permuting_covariates_permutes_nothing_but_columns(tmp_path):
    """The rows that a run stores are the same, to rounding."""
    found = []
    for k, order in enumerate(itertools.permutations(TWO)):
        study = copy.deepcopy(_study(x_icc=0.2, covariates={name: TWO[name] for name in order}))
        results = simstudy.run(study, jobs=1, results=tmp_path / str(k), report=False)
        found.append(results.estimates.to_table().sort_by([
            ("scenario", "ascending"), ("replication", "ascending")]))  # fmt: skip
    first, second = found
    assert first["scenario"] == second["scenario"]
    for name in ("estimate", "std_error"):
        off = np.abs(np.array(first[name]) - np.array(second[name]))
        assert off.max() < 1e-12
