"""Data from a user's own generators, from the study file to the results folder."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers_own import rows, untimed, written
from helpers_own import run as compute
from helpers_own_worlds import GRID, METHODS, WORLDS, own, run, study

import simstudy
from simstudy.cli.app import main
from simstudy.generators import streams
from simstudy.runner.precision import precision
from simstudy.study.drawing import source_of

pytestmark = pytest.mark.slow


@pytest.fixture
def mine(tmp_path) -> Path:
    return written(tmp_path, WORLDS, "worlds.py")


# --- the data -------------------------------------------------------------------------------------


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
    (realized,) = pq.read_table(tmp_path / "own" / "scenarios.parquet").to_pylist()
    assert realized["realized_x_icc"] == 1 and 0.3 < realized["realized_size_cv"] < 0.5


def test_the_rows_are_the_same_whatever_jobs_ranges_and_order(mine, tmp_path):
    methods = ["pooled", {"wild_bootstrap": {"draws": 99}}, *own(mine, "line", "of_means")]
    grid = GRID | {"cluster_size": [5, {"uniform": [2, 9]}]}
    whole = study(mine, "fragile", 70, methods, grid)
    found = compute(whole, tmp_path / "a")
    assert found.equals(compute(whole, tmp_path / "b", 2))
    for n in (41, 70):
        again = compute(study(mine, "fragile", n, methods[::-1], grid), tmp_path / "c")
    assert found.equals(again)
    for other in "bc":
        for kind in ("failures", "extras"):
            frames = [untimed(getattr(simstudy.Results.open(tmp_path / k), kind))
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


# --- what fails -----------------------------------------------------------------------------------


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


def test_a_generator_that_ends_its_process_costs_its_own_ranges(mine, tmp_path, capsys):
    mine.write_text(
        WORLDS.replace('raise ValueError("this cannot be")', "__import__('os')._exit(3)")
    )
    grids = [f"  - {{n_clusters: 8, cluster_size: 5, slope: 0, data: {{use: 'worlds.py:{f}'}}}}"
             for f in ("fragile", "skewed")]  # fmt: skip
    text = "\n".join(
        ["name: own\nseed: 5\nreplications: 60\nmethods: [pooled]\nscenarios:", *grids]
    )
    (tmp_path / "own.yaml").write_text(text)
    command = [sys.executable, "-m", "simstudy", "run", "own.yaml", "--jobs", "1", "--no-report"]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert ran.returncode == 1 and "its 60 fits are not computed" in ran.stderr
    assert len(rows(tmp_path / "results" / "own")) == 60


# --- truth ----------------------------------------------------------------------------------------


def test_a_truth_that_came_with_the_data_is_that_of_its_estimand(mine, tmp_path):
    methods = ["pooled", {"pooled": {"estimand": "intercept", "label": "intercept"}}]
    summary = run(study(mine, "fragile", 100, methods), tmp_path).summary
    truth = summary.drop_duplicates("method").set_index("method").truth
    assert truth["pooled"] == 0 and np.isnan(truth["intercept"])
    bias = summary[(summary.measure == "bias") & (summary.method == "intercept")]
    assert float(bias.value.iloc[0]) == pytest.approx(-0.4, abs=0.1)  # of a uniform up to .8


# --- reading, replay, going on --------------------------------------------------------------------


def test_reading_results_imports_nothing(mine, tmp_path, capsys):
    one = replace(study(mine, "fragile", 40, METHODS), figures=())
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
