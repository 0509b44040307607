"""What a study file may say of a user's generator, and what is said of a bad one."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from helpers_cli import conforms
from helpers_own import written
from helpers_own_worlds import GRID, METHODS, WORLDS, own, run, study

import simstudy
from simstudy.cli.app import main
from simstudy.custom.own_source import Asked
from simstudy.runner.plan import plan
from simstudy.study.json_schema import schema
from simstudy.study.study import load


@pytest.fixture
def mine(tmp_path) -> Path:
    return written(tmp_path, WORLDS, "worlds.py")


# --- the study file -------------------------------------------------------------------------------

BAD = [
    ({"data": {"shape": 1}}, "'use' is missing"),
    ({"data": "worlds.py:skewed"}, "scenarios.data: expected a generator, "),
    ({"data": {"use": "{mine}:skewed", "shap": 1}}, "no option 'shap'; did you mean 'shape'?"),
    ({"data": {"use": "{mine}:skew"}}, "no function 'skew'; did you mean 'skewed'?"),
    ({"data": {"use": "{mine}:line"}}, "line is not decorated with @simstudy.generator"),
    ({"data": {"use": "{mine}:skewed", "shape": {"a": 1}}}, "expected a number, text, true/false"),
    ({"data": {"use": "{mine}:skewed", "shape": float("inf")}}, "expected a number, text, true"),
    ({"data": {"use": "{mine}:skewed", "shape": [1, 1]}}, "1 is listed twice"),
    ({"data": {"use": ["{mine}:skewed"]}}, "expected 'file.py:function'"),
    ({"data": {"use": "{mine}.gone:skewed"}}, "expected 'file.py:function'"),
    ({"data": {"use": "gone.py:skewed"}}, "gone.py: No such file"),
    ({"n_clusters": None}, "'n_clusters' is missing"),
    ({"cluster_size": None}, "'cluster_size' is missing"),
    ({"within_variance": 1}, "says nothing without icc"),
    ({"icc": 1.5}, "1.5 is not in [0, 1)"),
    ({"covariates": {"data": {"slope": 1}}}, "'data' is taken"),
]


@pytest.mark.parametrize(("change", "message"), BAD, ids=[message for _, message in BAD])
def test_a_bad_world_is_refused_in_one_line(mine, change, message):
    fields = GRID | {"data": {"use": f"{mine}:skewed"}} | change
    fields = {name: value for name, value in fields.items() if value is not None}
    if isinstance(fields["data"], dict) and isinstance(fields["data"].get("use"), str):
        fields["data"] = fields["data"] | {"use": fields["data"]["use"].format(mine=mine)}
    head = {"name": "own", "seed": 5, "replications": 1, "methods": ["pooled"]}
    with pytest.raises(simstudy.UserError) as error:
        load(head | {"scenarios": fields})
    assert message in str(error.value) and "\n" not in str(error.value)


def test_the_schema_knows_generators():
    def document(data, **more):
        grid = {"n_clusters": 4, "cluster_size": 3, "data": data} | more
        return {"name": "s", "seed": 1, "replications": 1, "methods": ["pooled"],
                "scenarios": grid}  # fmt: skip

    whole = schema()
    for good in ({"use": "a.py:f"}, {"use": "a.py:f", "k": [1, "b", [1, 2]], "digest": "0a"}):
        assert conforms(document(good), whole)
    for bad in (3, {"k": 1}, {"use": "a.yaml:f"}, {"use": "a.py:f", "k": {"a": 1}}):
        assert not conforms(document(bad), whole)
    assert not conforms(document({"use": "a.py:f"}, datum=1), whole)


@pytest.mark.parametrize("more", [{"methods": ["line"]}, {"methods": [], "grain": "rows"}])
def test_units_cannot_be_had_of_moments(mine, more):
    methods = ["pooled", *own(mine, *more["methods"])]
    head = {"name": "own", "seed": 5, "replications": 1} | more | {"methods": methods}
    with pytest.raises(simstudy.UserError, match=r"reads units, and worlds.py:arms draws"):
        load(head | {"scenarios": GRID | {"data": {"use": f"{mine}:arms"}}})


def test_a_scenario_is_named_by_what_is_drawn(mine, tmp_path):
    """Not by where the file lies, nor by how a number is written."""
    first = study(mine, "skewed", shape=[1, 5])
    moved = written(tmp_path / "elsewhere", WORLDS, "other.py")
    assert [d.id for d in study(moved, "skewed", shape=[1.0, 5.0]).designs] == [
        d.id for d in first.designs
    ]
    others = [study(mine, "skewed"), study(mine, "skewed", shape=[[1, 5]]), study(mine, "covered"),
              study(written(tmp_path / "new", WORLDS + "\n"), "skewed", shape=[1, 5]),
              study(mine, "skewed", grid=GRID | {"icc": 0.1}, shape=[1, 5])]  # fmt: skip
    ids = [design.id for one in (first, *others) for design in one.designs]
    assert len(set(ids)) == len(ids)
    (listed,) = study(mine, "skewed", shape=[[1, 5]]).designs
    assert listed.levels["data.shape"] == "1 5"


def test_options_are_factors_that_conditions_may_ask(mine, tmp_path):
    methods = ["pooled", {"random_intercept": {"when": "data.shape > 2"}}]
    found = run(study(mine, "skewed", 20, methods, shape=[1, 5]), tmp_path).summary
    asked = found[found.n_used > 0].groupby("method")["data.shape"].apply(set)
    assert asked["pooled"] == {1, 5} and asked["random_intercept"] == {5}
    assert set(found.data) == {"worlds.py:skewed"} and found.theory.isna().all()


def test_a_generator_reads_the_fields_of_the_study_file_by_their_names(mine):
    more = {"icc": 0.25, "within_variance": 3, "x": "binary", "x_icc": 1, "errors": {"t": 5},
            "covariates": {"z": {"slope": 2}}, "intercept": 7}  # fmt: skip
    for size, shown in ((5, 5), ({"uniform": [5, 9]}, {"uniform": [5, 9]})):
        (design,) = study(mine, "skewed", grid=GRID | more | {"cluster_size": size}).designs
        asked = Asked(design.scenario)
        assert asked.cluster_size == shown and asked.sizes(np.random.default_rng(1)).shape == (8,)
    assert (asked.n_clusters, asked.icc, asked.within_variance, asked.tau2) == (8, 0.25, 3, 1)
    assert (asked.x, asked.x_icc, asked.slope, asked.intercept) == ("binary", 1, 0.3, 7)
    assert asked.slope_of("z") == 2 and asked.total_variance == 4 and asked.slope_sd == 0
    assert asked.errors == design.scenario.part("errors") and asked.missing is None
    with pytest.raises(AttributeError, match="gives no icc"):
        _ = Asked(study(mine, "skewed").designs[0].scenario).within_variance


def test_a_function_from_python_draws_as_well(tmp_path):
    module: dict = {"__name__": "__main__"}

    @simstudy.generator
    def plain(rng, scenario):
        c = np.repeat(np.arange(8), 5)
        return {"cluster": c, "x": rng.normal(size=40), "y": rng.normal(size=40)}

    head = {"name": "own", "seed": 5, "replications": 10, "methods": ["pooled"]}
    one = load(head | {"scenarios": GRID | {"data": {"use": plain}}})
    assert run(one, tmp_path).summary.n_used.max() == 10
    assert simstudy.Results.open(tmp_path / "own").study.designs[0].id == one.designs[0].id
    assert module


# --- what is returned -----------------------------------------------------------------------------

PLAIN = """\
import numpy as np
import simstudy


@simstudy.generator
def g(rng, scenario):
    c = np.repeat(np.arange(8), 5)
    x = rng.normal(size=40)
    return None
"""
ANSWERS = {
    "return 3": "returned int; expected a data frame of cluster, x and y",
    "return {'cluster': c, 'x': x}": "there is no column 'y'; got cluster, x",
    "return {'cluster': c, 'x': x, 'y': x, 'w': x}": "column 'w' is no covariate of the scenario",
    "return {'cluster': c, 'x': x, 'y': x[1:]}": "y has 39 values, and cluster 40",
    "return {'cluster': c % 7, 'x': x, 'y': x}": "7 clusters where n_clusters is 8",
    "return {'cluster': c, 'x': x, 'y': ['a'] * 40}": "y is not numbers",
    "return {'cluster': c * np.nan, 'x': x, 'y': x}": "cluster is missing for some units",
    "return {'cluster': c, 'x': x, 'y': x, 'truth': np.inf}": "the truth of slope is no finite",
    "return {'cluster': c, 'x': x, 'y': x, 'truth': {'slop': 1}}": "the truth of 'slop' is of no",
    "return scenario.icc": "AttributeError: the study file gives no icc",
    "return scenario.tau2": "AttributeError: the study file gives no icc",
    "return {}": "there is no column 'cluster'; got nothing",
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_what_is_wrong_with_data_is_said_in_a_line(tmp_path, answer):
    text = PLAIN.replace("return None", answer)
    found = run(study(written(tmp_path, text), "g", 1, ["pooled"]), tmp_path).failures
    assert len(found) == 1 and ANSWERS[answer] in found.message[0]


def test_plan_names_the_file_before_it_imports_it(tmp_path, capsys):
    mine = written(tmp_path, "raise ValueError('not today')\n", "worlds.py")
    (tmp_path / "s.yaml").write_text(
        f"name: s\nseed: 1\nreplications: 1\nmethods: [pooled]\nscenarios:\n"
        f"  data: {{use: '{mine.name}:g', k: [1, 2]}}\n  n_clusters: 4\n  cluster_size: 3\n"
    )
    assert main(["plan", str(tmp_path / "s.yaml")]) == 2
    printed = capsys.readouterr()
    assert printed.out == f"imports {mine} for the data (g)\n"
    assert "not today" in printed.err and printed.err.count("\n") == 1


def test_ranges_of_data_frames_are_short_and_shared(mine):
    tasks = plan(study(mine, "skewed", 600, [*METHODS, *own(mine, "line")], shape=[1, 5]), [])
    shared = [task for task in tasks if task.shared]
    assert {task.n_reps for task in shared} == {256, 88} and len(shared) == 6
    assert all(len(task.pieces) == 1 and len(task.methods) == 2 for task in shared)


# --- check and init -------------------------------------------------------------------------------

CHECKED = {
    "x = np.random.default_rng().normal(size=c.size)": "gives other data the second time",
    "x = np.random.default_rng(1).normal(size=c.size)": "every replication has the same y",
    "x = rng.normal(size=c.size) + len(SEEN); SEEN.append(1)": "keep nothing from one call",
    "c = np.repeat(np.arange(8), 5); x = rng.normal(size=40)": "where cluster_size says 6",
    "x = rng.normal(size=c.size) * np.nan": "x is not finite in 48 of 48 units",
    "x = rng.normal(size=c.size)[1:]": "has 47 values, and cluster 48",
    "raise KeyError('what')": "KeyError: 'what' (File ",
}
CHECK = """\
import numpy as np
import simstudy

SEEN = []


@simstudy.generator
def g(rng, scenario):
    c = np.repeat(np.arange(scenario.n_clusters), scenario.sizes(rng))
    LINE
    return {"cluster": c, "x": x, "y": x}
"""


@pytest.mark.parametrize("line", CHECKED)
def test_check_says_what_is_wrong_with_a_generator(tmp_path, capsys, line):
    file = written(tmp_path, CHECK.replace("LINE", line))
    assert main(["check", str(file)]) == 1
    wrong = [k for k in capsys.readouterr().out.splitlines() if k.startswith("  WRONG")]
    assert wrong and any(CHECKED[line] in k for k in wrong)


def test_check_tries_a_generator_of_groups_with_a_third_level(tmp_path, capsys):
    code = CHECK.replace("LINE", "x = rng.normal(size=c.size)")
    file = written(tmp_path, code.replace('"x": x, "y"', '"group": c // 2, "x": x, "y"'))
    assert main(["check", str(file)]) == 0
    assert capsys.readouterr().out.count("  right  ") == 4


def test_check_is_content_with_good_generators_and_shows_their_moments(mine, capsys):
    assert main(["check", f"{mine}:skewed", "--options", "{shape: 3}"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("skewed: Skewed cluster effects (a generator of data frames)\n")
    (icc,) = re.findall(r"note   equal clusters: mean size 6, icc of y (.*?),", shown)
    assert shown.count("  right  ") == 4 and 0.5 < float(icc) < 0.8  # 3 / 4.25
    assert main(["check", f"{mine}:arms"]) == 0
    shown = capsys.readouterr().out
    assert "a generator of moments of clusters" in shown and "the true slope is 0.5, by" in shown
    assert "of x 1, x constant in clusters" in shown
    assert main(["check", f"{mine}:covered"]) == 0
    assert "columns z: name them under covariates" in capsys.readouterr().out
    assert main(["check", f"{mine}:fragile"]) == 0
    shown = capsys.readouterr().out
    assert "in a study these are failed rows of all methods" in shown
    assert main(["check", str(mine), "--options", "{no: 1}"]) == 2
    assert "no option 'no'" in capsys.readouterr().err


def test_init_writes_a_generator_that_is_right_and_a_study_that_runs(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["init", "world_of_mine", "--generator"]) == 0
    assert main(["check", "world_of_mine.py"]) == 0
    assert "WRONG" not in capsys.readouterr().out
    one = load(tmp_path / "world_of_mine.yaml")
    assert len(one.designs) == 4
    assert simstudy.run(one, replications=3, jobs=1, report=False).n_fits == 24
    assert main(["init", "world_of_mine", "--generator"]) == 2
    assert main(["init", "pandas", "--generator"]) == 2
