"""Data from a user's own generators, from the study file to the results folder."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import simstudy
from simstudy.cli.app import main
from simstudy.generators import streams
from simstudy.runner.plan import plan
from simstudy.runner.precision import precision
from simstudy.study.drawing import source_of
from simstudy.study.study import load
from tests.helpers_own import rows, untimed, written

WORLDS = '''\
"""Worlds of a user's."""
import numpy as np
import pandas as pd

import simstudy


@simstudy.generator
def skewed(rng, scenario, shape=1):
    """Skewed cluster effects."""
    cluster = np.repeat(np.arange(scenario.n_clusters), scenario.sizes(rng))
    x = rng.normal(size=cluster.size)
    y = scenario.slope * x + rng.gamma(shape, size=scenario.n_clusters)[cluster]
    y += np.random.normal(size=cluster.size)
    shuffled = rng.permutation(cluster.size)
    return pd.DataFrame({"y": y, "cluster": cluster, "x": x}).iloc[shuffled]


@simstudy.generator(grain="clusters", truth=lambda scenario, slope: slope)
def arms(rng, scenario, slope=0.5):
    """Treatment of whole clusters."""
    sizes, shape = scenario.sizes(rng), (scenario.n_clusters, scenario.n_reps)
    x = np.arange(shape[0])[:, None] % 2 * np.ones(shape)
    zero = np.zeros(shape)
    return {"sizes": sizes, "mean_x": x, "mean_y": slope * x + rng.normal(size=shape),
            "within.xx": zero, "within.xy": zero, "within.yy": rng.chisquare(sizes, shape)}


@simstudy.generator(part=64)
def fragile(rng, scenario, limit=0.8):
    """Fails at times, in all ways."""
    cluster = np.repeat(np.arange(scenario.n_clusters), scenario.sizes(rng))
    x, y, chance = rng.normal(size=cluster.size), rng.normal(size=cluster.size), rng.random()
    if chance > limit + 0.1:
        raise ValueError("this cannot be")
    if chance > limit + 0.05:
        y[7] = np.nan
    elif chance > limit:
        cluster[-1] = 0
    return {"cluster": cluster, "x": x, "y": y, "truth": {"slope": 0.0, "intercept": chance}}


@simstudy.generator(grain="clusters")
def holes(rng, scenario):
    """One replication of moments is not finite, and every other chunk fails."""
    found = arms(rng, scenario)
    found["mean_y"][2, 5] = np.inf
    if rng.random() < 0.5:
        raise RuntimeError("no chunk")
    return found


@simstudy.generator
def covered(rng, scenario):
    """A covariate, and a heteroscedastic error, N(0, 9 x^2)."""
    cluster = np.repeat(np.arange(scenario.n_clusters), scenario.sizes(rng))
    x, z = rng.normal(size=(2, cluster.size))
    y = x + scenario.slope_of("z") * z + 3 * np.abs(x) * rng.normal(size=cluster.size)
    return pd.DataFrame({"cluster": cluster, "x": x, "y": y, "z": z})


@simstudy.generator(part=64, truth=0.3)
def grouped(rng, scenario, lose=0):
    """Clusters of groups, in any order, some of them lost."""
    n, m = scenario.n_clusters, scenario.part("third_level").clusters
    name = rng.permutation(n)
    size = scenario.sizes(rng)
    size[:lose] = 0
    cluster = np.repeat(np.arange(n), size)
    group = np.repeat(rng.permutation(n // m), m)[cluster]
    x, effect = rng.normal(size=cluster.size), rng.normal(size=n // m)
    y = 0.3 * x + effect[group] + rng.normal(size=cluster.size)
    frame = pd.DataFrame({"cluster": name[cluster], "x": x, "y": y, "group": group})
    return frame.sample(frac=1, random_state=1)


@simstudy.method
def line(data):
    """Least squares, once more."""
    return np.polyfit(data.x, data.y, 1)[0], 1.0


@simstudy.method(grain="clusters")
def of_means(moments):
    """The slope of the means of the first and the last cluster."""
    rise, run = (m[-1] - m[0] for m in (moments.mean_y, moments.mean_x))
    return rise / run, np.ones(moments.n_reps)
'''
GRID = {"n_clusters": 8, "cluster_size": 5, "slope": 0.3}
METHODS = ["pooled", "random_intercept"]


@pytest.fixture
def mine(tmp_path) -> Path:
    return written(tmp_path, WORLDS, "worlds.py")


def study(mine: Path, function: str, replications: int = 70, methods=METHODS, grid=GRID, **options):
    """A study of one generator."""
    data = {"use": f"{mine}:{function}", **options}
    head = {"name": "own", "seed": 5, "replications": replications, "methods": methods}
    return load(head | {"scenarios": grid | {"data": data}})


def run(one, folder: Path, **more):
    """Results of a study, without its report."""
    return simstudy.run(one, results=folder, jobs=1, report=False, warn=lambda line: None, **more)


def own(mine: Path, *names: str) -> list:
    return [{"use": f"{mine}:{name}"} for name in names]


# --- the data -----------------------------------------------------------------------------------


def longhand(design, replication: int, shape: float):
    """The generator `skewed`, called as it is said to be."""
    sequence = np.random.SeedSequence([5, design.key], spawn_key=(replication - 1, 5))
    rng = np.random.Generator(np.random.SFC64(sequence))
    cluster = np.repeat(np.arange(8), 5)
    x = rng.normal(size=40)
    effect = rng.gamma(shape, size=8)[cluster]
    sequence = np.random.SeedSequence([5, design.key], spawn_key=(replication - 1, 5, 1))
    words = np.random.SFC64(sequence).random_raw(4).tolist()
    np.random.seed([half for word in words for half in (word & 0xFFFFFFFF, word >> 32)])  # noqa: NPY002
    return x, 0.3 * x + effect + np.random.normal(size=40)  # noqa: NPY002


def test_a_data_frame_is_drawn_from_the_stream_of_its_replication(mine, tmp_path):
    one = study(mine, "skewed", methods=["pooled", *own(mine, "line")], shape=[2, 5])
    found = run(one, tmp_path).estimates.to_table().to_pandas()
    assert [design.levels["data.shape"] for design in one.designs] == [2, 5]
    for design, shape in zip(one.designs, (2, 5), strict=True):
        of_design = found[found.scenario == design.id].set_index(["method", "replication"])
        for replication in (1, 33, 70):
            slope = np.polyfit(*longhand(design, replication, shape), 1)[0]
            for method in one.methods:
                row = of_design.loc[method.canonical, replication]
                assert row.estimate == pytest.approx(slope, rel=1e-10)


def test_moments_are_drawn_a_chunk_at_a_time(mine, tmp_path):
    grid = GRID | {"cluster_size": {"uniform": [2, 9]}}
    methods = ["cluster_means", *own(mine, "of_means")]
    one = study(mine, "arms", 300, methods, grid, slope=1)
    (design,) = one.designs
    found = run(one, tmp_path).estimates.to_table().to_pandas()
    n_reps = streams.chunk_length(design.scenario, streams.CLUSTERS)
    sequence = np.random.SeedSequence([5, design.key], spawn_key=(1, 5))
    rng = np.random.Generator(np.random.SFC64(sequence))
    rng.integers(2, 9, (8, n_reps), endpoint=True)
    x = np.arange(8)[:, None] % 2
    y = x + rng.normal(size=(8, n_reps))
    expected = (y[1::2].mean(axis=0) - y[::2].mean(axis=0)), (y[-1] - y[0])
    for method, values in zip(one.methods, expected, strict=True):
        rows_of = found[found.method == method.canonical].set_index("replication").estimate
        last = min(2 * n_reps, 300)
        got = rows_of.loc[n_reps + 1 : last].to_numpy()
        np.testing.assert_allclose(got, values[: got.size], rtol=1e-10)
    summary = simstudy.Results.open(tmp_path / "own").summary
    assert set(summary.truth) == {1.0}  # by the decorator, not the scenario's .3


def test_the_rows_are_the_same_whatever_jobs_ranges_and_order(mine, tmp_path):
    methods = ["pooled", {"wild_bootstrap": {"draws": 99}}, *own(mine, "line", "of_means")]
    grid = GRID | {"cluster_size": [5, {"uniform": [2, 9]}]}
    whole = study(mine, "fragile", 70, methods, grid)
    run(whole, tmp_path / "a")
    simstudy.run(whole, results=tmp_path / "b", jobs=2, report=False, warn=lambda line: None)
    for n in (41, 70):
        run(study(mine, "fragile", n, methods[::-1], grid), tmp_path / "c")
    for other in "bc":
        assert rows(tmp_path / "a" / "own").equals(rows(tmp_path / other / "own"))
        for kind in ("failures", "extras"):
            frames = [untimed(getattr(simstudy.Results.open(tmp_path / k / "own"), kind))
                      for k in ("a", other)]  # fmt: skip
            keys = [c for c in ("scenario", "method", "replication", "name") if c in frames[0]]
            first, second = (f.sort_values(keys).reset_index(drop=True) for f in frames)
            assert len(first) and first.equals(second)


def test_the_shipped_study_is_the_same_on_two_workers(tmp_path):
    config = Path(__file__).parents[2] / "configs" / "own_world.yaml"
    for jobs in (1, 2):
        simstudy.run(config, jobs=jobs, results=tmp_path / str(jobs), replications=60, report=False)
    first, second = (rows(tmp_path / jobs / "own_world") for jobs in "12")
    assert first.equals(second) and first.num_rows == 6 * 3 * 60
    import inspect

    module = {}
    exec(compile((config.parent / "my_world.py").read_text(), "my_world", "exec"), module)
    text = (config.parent / "my_world.py").read_text().split("\n\n\n@")[1:]
    assert inspect.isfunction(module["skewed"]) and len(text) == 2
    assert all(len(function.strip().splitlines()) <= 15 for function in text)


def test_covariates_are_columns_of_the_frame(mine, tmp_path):
    """And an error like that of Cameron, Gelbach & Miller (2008): robust errors are right."""
    grid = GRID | {"n_clusters": 40, "slope": 1, "covariates": {"z": {"slope": 2}}}
    methods = ["pooled", {"pooled": {"se": "CR2", "label": "robust"}},
               {"pooled": {"estimand": "z", "label": "z"}}]  # fmt: skip
    found = run(study(mine, "covered", 400, methods, grid), tmp_path).summary
    value = found.set_index(["measure", "method"]).value
    assert abs(value["bias", "z"]) < 4 * 3 / 200**0.5 / 400**0.5
    sd = value["empirical_se", "pooled"]
    assert value["model_se", "pooled"] < 0.7 * sd  # sqrt(3): the fourth moment of x
    assert value["model_se", "robust"] == pytest.approx(sd, rel=0.15)


THIRD = GRID | {"n_clusters": 12, "third_level": {"clusters": 3, "icc": 0.1}}


@pytest.mark.parametrize("lose", [0, 2])
def test_groups_are_those_of_the_frame_and_clusters_may_be_lost(mine, tmp_path, lose):
    methods = ["cluster_means", {"cluster_means": {"level": 3, "label": "groups"}}]
    grid = THIRD | ({"missing": {"units": 0.2}} if lose else {})
    one = study(mine, "grouped", 3, methods, grid, lose=lose)
    found = run(one, tmp_path).estimates.to_table().to_pandas()
    assert (found.status == "ok").all()
    source = source_of(one.designs[0], 5)
    for k in range(3):
        frame = source.answer(k)
        for method, by in zip(one.methods, (["group", "cluster"], ["group"]), strict=True):
            mean = frame.groupby(by)[["x", "y"]].mean()
            row = found[(found.method == method.canonical) & (found.replication == k + 1)]
            expected = np.polyfit(mean.x, mean.y, 1)[0]
            assert float(row.estimate.iloc[0]) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("grid", "lose", "message"),
    [
        (THIRD, 1, "11 clusters where n_clusters is 12"),
        (THIRD | {"missing": {"units": 0.2}, "cluster_size": 3}, 13, "one label a unit"),
        (THIRD | {"third_level": {"clusters": 2, "icc": 0.1}}, -1, "3 clusters in group 1 where"),
    ],
)
def test_groups_that_are_not_as_said_are_no_data(tmp_path, grid, lose, message):
    text = WORLDS.replace(".clusters\n    name", ".clusters + (lose < 0)\n    name").replace(
        "size[:lose] = 0", "size[: max(lose, 0)] = 0"
    )
    mine = written(tmp_path, text, "worlds.py")
    failures = run(study(mine, "grouped", 2, ["pooled"], grid, lose=lose), tmp_path).failures
    assert len(failures) == 2 and failures.message.str.contains(message).all()


def test_groups_need_a_third_level(mine, tmp_path):
    text = WORLDS.replace('scenario.part("third_level").clusters', "2")
    mine.write_text(text)
    failures = run(study(mine, "grouped", 1, ["pooled"]), tmp_path).failures
    assert "column 'group' needs third_level" in failures.message[0]
    with pytest.raises(simstudy.UserError, match="8 clusters are no groups of 3"):
        study(mine, "grouped", grid=GRID | {"third_level": {"clusters": 3, "icc": 0.1}})


def test_the_forecast_knows_a_truth_that_is_declared(mine):
    one = study(mine, "arms", 40, ["cluster_means"], slope=0)
    assert "type1_error" in precision(one).worst and "power" not in precision(one).worst
    one = study(mine, "arms", 40, ["cluster_means"], slope=1)
    assert {"power", "bias"} <= precision(one).worst.keys()


# --- what fails ---------------------------------------------------------------------------------


def test_a_replication_without_data_fails_for_all_methods_and_no_other_does(mine, tmp_path):
    one = study(mine, "fragile", 300, [*METHODS, *own(mine, "line", "of_means")])
    said: list[str] = []
    found = simstudy.run(one, results=tmp_path, jobs=1, report=False, warn=said.append)
    failures = found.failures
    lost = failures.groupby("method").replication.apply(set)
    assert len(lost) == 4 and all(one == lost.iloc[0] for one in lost)
    assert 30 < len(lost.iloc[0]) < 100  # two in ten
    table = found.estimates.to_table().to_pandas()
    assert set(table.replication[table.status == "failed"]) == lost.iloc[0]
    assert table.estimate[table.status != "failed"].notna().all()
    messages = set(failures.message)
    assert messages == {
        "no data from fragile: ValueError: this cannot be",
        "no data from fragile: y is not finite in 1 of 40 units",
        "no data from fragile: 6 units in cluster 1 where cluster_size says 5",
    }
    raised = failures[failures.message.str.contains("cannot")].traceback.iloc[0]
    assert "worlds.py" in raised and "simstudy" not in raised.replace("simstudy.custom.loaded", "")
    assert any(line.startswith("pooled: ") and "fits failed" in line for line in said)
    assert set(found.summary.n_not_used) >= {len(lost.iloc[0])}


def test_moments_lose_the_replications_at_fault(mine, tmp_path):
    found = run(study(mine, "holes", 512, ["cluster_means"]), tmp_path)
    failures = found.failures
    n_reps = 128
    by_chunk = failures.groupby((failures.replication - 1) // n_reps).message.agg(["size", "first"])
    whole = by_chunk[by_chunk["size"] == n_reps]
    assert 0 < len(whole) < 4 and whole["first"].str.endswith("RuntimeError: no chunk").all()
    rest = failures[~failures.message.str.endswith("no chunk")]
    assert set((rest.replication - 1) % n_reps) == {5} and len(rest) == 4 - len(whole)
    table = found.estimates.to_table().to_pandas()
    assert (table.status == "failed").sum() == len(failures)


def test_fail_fast_stops_at_the_first_data_set_that_is_not_there(mine, tmp_path):
    with pytest.raises(simstudy.errors.WorkError, match="no data from fragile"):
        run(study(mine, "fragile", 300), tmp_path, fail_fast=True)


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


# --- truth --------------------------------------------------------------------------------------


def test_a_truth_that_came_with_the_data_is_that_of_its_estimand(mine, tmp_path):
    methods = ["pooled", {"pooled": {"estimand": "intercept", "label": "intercept"}}]
    summary = run(study(mine, "fragile", 100, methods), tmp_path).summary
    truth = summary.drop_duplicates("method").set_index("method").truth
    assert truth["pooled"] == 0 and np.isnan(truth["intercept"])
    bias = summary[(summary.measure == "bias") & (summary.method == "intercept")]
    assert float(bias.value.iloc[0]) == pytest.approx(-0.4, abs=0.1)  # of a uniform up to .8


# --- the study file -----------------------------------------------------------------------------

BAD = [
    ({"data": {"shape": 1}}, "'use' is missing"),
    ({"data": "worlds.py:skewed"}, "scenarios.data: expected a generator, "),
    ({"data": {"use": "{mine}:skewed", "shap": 1}}, "no option 'shap'; did you mean 'shape'?"),
    ({"data": {"use": "{mine}:skew"}}, "no function 'skew'; did you mean 'skewed'?"),
    ({"data": {"use": "{mine}:line"}}, "line is not decorated with @simstudy.generator"),
    ({"data": {"use": "{mine}:skewed", "shape": {"a": 1}}}, "expected a number, text, true/false"),
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


# --- reading, replay, going on ------------------------------------------------------------------


def test_reading_results_imports_nothing(mine, tmp_path, capsys):
    one = study(mine, "fragile", 40, METHODS)
    found = run(one, tmp_path)
    found.report()
    before = found.summary
    mine.write_text("raise SystemExit(77)")
    folder = tmp_path / "own"
    results = simstudy.Results.open(folder)
    assert results.summary.equals(before)
    assert main(["report", str(folder)]) == 0
    text = (folder / "report" / "methods.md").read_text()
    assert "own function `fragile` in the file `worlds.py`" in text
    assert "Fails at times, in all ways." in text
    capsys.readouterr()
    call = ["replay", str(folder), "--scenario", one.designs[0].id, "--replication", "3"]
    assert main(call) == 0
    shown = capsys.readouterr().out
    assert "not redrawn" in shown and str(mine) in shown and "stored" in shown
    command = [sys.executable, "-m", "simstudy", *call, "--trust"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "has changed: its digest is" in shown  # the file is another one by now


def test_replay_draws_the_data_again_where_it_is_trusted(mine, tmp_path, capsys):
    one = study(mine, "skewed", 40, [*METHODS, *own(mine, "line")], shape=2)
    run(one, tmp_path)
    call = ["replay", str(tmp_path / "own"), "--scenario", one.designs[0].id, "--replication", "33"]
    csv = tmp_path / "units.csv"
    assert main([*call, "--trust", "--csv", str(csv)]) == 0
    assert capsys.readouterr().out.count("  identical") == 3
    x, y = np.loadtxt(csv, delimiter=",", skiprows=1, usecols=(1, 2)).T
    expected = np.array(longhand(one.designs[0], 33, 2))
    np.testing.assert_array_equal(np.sort(y), np.sort(expected[1]))
    assert np.polyfit(x, y, 1)[0] == pytest.approx(np.polyfit(*expected, 1)[0])


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


def test_a_changed_file_draws_anew_and_keeps_what_is_there(mine, tmp_path):
    run(study(mine, "skewed", 20), tmp_path)
    mine.write_text(WORLDS.replace("rng.gamma(shape", "-rng.gamma(shape"))
    said: list[str] = []
    found = simstudy.run(study(mine, "skewed", 20), results=tmp_path, jobs=1, report=False,
                         warn=said.append)  # fmt: skip
    assert found.n_fits == 40 and len(rows(tmp_path / "own")) == 80
    assert any("has changed: its methods or data are computed anew" in line for line in said)
    again = simstudy.run(study(mine, "skewed", 20), results=tmp_path, jobs=1, report=False)
    assert again.n_fits == 0
    with pytest.raises(simstudy.UserError, match="holds another study of this name"):
        run(study(mine, "covered", 20, grid=GRID | {"covariates": {"z": {"slope": 1}}}), tmp_path)


def test_ranges_of_data_frames_are_short_and_shared(mine):
    tasks = plan(study(mine, "skewed", 600, [*METHODS, *own(mine, "line")], shape=[1, 5]), [])
    shared = [task for task in tasks if task.shared]
    assert {task.n_reps for task in shared} == {256, 88} and len(shared) == 6
    assert all(len(task.pieces) == 1 and len(task.methods) == 2 for task in shared)


# --- check and init -----------------------------------------------------------------------------

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
