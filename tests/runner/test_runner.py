"""The runner: the same rows whatever the jobs, the order or the history of a study."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers_cli import call
from helpers_simulation import study

from simstudy import results
from simstudy.errors import UserError
from simstudy.generators.streams import BLOCK
from simstudy.runner import backends, persistence
from simstudy.runner.backends._backend import Call
from simstudy.runner.execute import execute
from simstudy.runner.plan import missing, plan
from simstudy.runner.provenance import provenance
from simstudy.runner.task import Task, run_task
from simstudy.runner.work import work
from simstudy.store import names, study_file
from simstudy.store.results_folder import ResultsFolder

pytestmark = pytest.mark.slow

GRID = {"n_clusters": [3, 8], "cluster_size": [4, {"uniform": [2, 9]}], "icc": 0.1,
        "x_icc": [0, 0.5], "slope": 0.2}  # fmt: skip
METHODS = ["pooled", "dummy", "random_intercept"]


def rows(folder):
    """All stored rows, sorted, as one table of bytes-comparable columns."""
    table = pq.read_table(folder / "estimates").sort_by(
        [("scenario", "ascending"), ("method", "ascending"), ("replication", "ascending")]
    )
    return table.select(sorted(table.column_names)).combine_chunks()


def run(one, folder, jobs=1):
    execute(one, ResultsFolder(folder), jobs)
    return rows(folder)


def test_two_jobs_store_the_rows_of_one(tmp_path):
    one = study(GRID, METHODS, 6000)
    assert run(one, tmp_path / "a").equals(run(one, tmp_path / "b", jobs=2))


def test_order_of_the_ranges_does_not_matter(tmp_path):
    one = study(GRID, METHODS, 300)
    study_file.prepare(one, ResultsFolder(tmp_path / "b"))
    tasks = plan(one, [])
    random.Random(1).shuffle(tasks)
    for task in tasks:
        work(task, ResultsFolder(tmp_path / "b"), provenance(one))
    assert run(one, tmp_path / "a").equals(rows(tmp_path / "b"))


def test_an_added_level_leaves_the_old_rows_and_runs_only_the_new(tmp_path):
    small = study(GRID, METHODS, 500)
    large = study(GRID | {"icc": [0.0, 0.1]}, METHODS, 500)
    before = run(small, tmp_path)
    stamps = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "estimates").iterdir()}
    assert execute(large, ResultsFolder(tmp_path), 1) == 8 * 500 * 3
    for name, stamp in stamps.items():
        assert (tmp_path / "estimates" / name).stat().st_mtime_ns == stamp
    old = {d.id for d in small.designs}
    after = rows(tmp_path)
    kept = after.filter([v in old for v in after.column("scenario").to_pylist()])
    assert kept.combine_chunks().equals(before)
    assert rows(tmp_path).equals(run(large, tmp_path / "whole"))


def test_an_added_method_runs_alone_and_changes_no_other(tmp_path):
    few, more = study(GRID, ["pooled"], 700), study(GRID, METHODS, 700)
    execute(few, ResultsFolder(tmp_path), 1)
    assert execute(more, ResultsFolder(tmp_path), 1) == 8 * 700 * 2
    assert rows(tmp_path).equals(run(more, tmp_path / "whole"))


@pytest.mark.parametrize(("first", "then"), [(100, 5000), (BLOCK, BLOCK + 1), (9000, 20000)])
def test_more_replications_extend_a_study_bit_for_bit(tmp_path, first, then):
    grid = GRID | {"n_clusters": 3}
    short, long = study(grid, METHODS, first), study(grid, METHODS, then)
    execute(short, ResultsFolder(tmp_path), 1)
    assert execute(long, ResultsFolder(tmp_path), 1) == 4 * 3 * (then - first)
    assert rows(tmp_path).equals(run(long, tmp_path / "whole"))


def test_fewer_replications_summarise_the_first_ones(tmp_path):
    from simstudy.summary.study import summarize_study

    long = study(GRID, METHODS, 900)
    short = replace(long, replications=200)
    execute(long, ResultsFolder(tmp_path / "long"), 1)
    execute(short, ResultsFolder(tmp_path / "short"), 1)
    assert execute(short, ResultsFolder(tmp_path / "long"), 1) == 0
    assert summarize_study(short, ResultsFolder(tmp_path / "long")).equals(
        summarize_study(short, ResultsFolder(tmp_path / "short"))
    )


def test_a_finished_study_computes_nothing(tmp_path):
    one = study(GRID, METHODS, 100)
    execute(one, ResultsFolder(tmp_path), 1)
    assert plan(one, ResultsFolder(tmp_path).parts()) == []
    assert execute(one, ResultsFolder(tmp_path), 1) == 0


def test_a_changed_label_recomputes_nothing(tmp_path):
    from simstudy.summary.study import summarize_study

    execute(study(GRID, ["pooled"], 100), ResultsFolder(tmp_path), 1)
    renamed = study(GRID, [{"pooled": {"label": "OLS"}}], 100)
    assert execute(renamed, ResultsFolder(tmp_path), 1) == 0
    assert set(summarize_study(renamed, ResultsFolder(tmp_path)).column("method").to_pylist()) == {
        "OLS"
    }


def test_another_seed_is_refused_and_both_are_named(tmp_path):
    execute(study(GRID, ["pooled"], 10, seed=1), ResultsFolder(tmp_path), 1)
    with pytest.raises(UserError, match="seed 1, and this study has seed 2"):
        execute(study(GRID, ["pooled"], 10, seed=2), ResultsFolder(tmp_path), 1)
    (tmp_path / "study.yaml").unlink()  # the parts themselves know it too
    with pytest.raises(UserError, match="seed 1, and this study has seed 2"):
        execute(study(GRID, ["pooled"], 10, seed=2), ResultsFolder(tmp_path), 1)
    assert not (tmp_path / "study.yaml").exists()  # a refused run leaves nothing behind
    assert execute(study(GRID, ["pooled"], 10, seed=1), ResultsFolder(tmp_path), 1) == 0


@pytest.mark.parametrize("jobs", [0, -1, 1.5])
def test_a_number_of_jobs_that_is_none_is_refused(tmp_path, jobs):
    with pytest.raises(UserError, match="jobs"):
        results.run(study(GRID, ["pooled"], 10), results=tmp_path, jobs=jobs)


def test_ranges_of_rows_are_short():
    """A pinned grain makes data sets costly: no range holds more than some millions of units."""
    one = study(
        {"n_clusters": 10, "cluster_size": 10_000, "icc": 0, "x_icc": 0, "slope": 0},
        ["pooled"], 10_000, grain="rows",
    )  # fmt: skip
    assert all(task.last - task.first + 1 <= 64 for task in plan(one, []))


def test_an_interrupted_range_leaves_the_finished_ones(tmp_path, monkeypatch):
    one = study(GRID, METHODS, 9000)
    done = 0

    def stop_at_the_third(task, folder, source):
        nonlocal done
        done += 1
        if done == 3:
            raise KeyboardInterrupt
        return work(task, folder, source)

    monkeypatch.setattr(persistence, "work", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        execute(one, ResultsFolder(tmp_path), 1)
    assert len(ResultsFolder(tmp_path).parts()) == 2 * len(METHODS)
    monkeypatch.undo()
    assert execute(one, ResultsFolder(tmp_path), 1) == 8 * 9000 * 3 - 2 * 9000 * 3
    assert rows(tmp_path).equals(run(one, tmp_path / "whole"))


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_exits_130_and_the_next_run_completes(tmp_path, jobs):
    file = tmp_path / "big.yaml"
    file.write_text(
        "name: big\nseed: 3\nreplications: 9000000\nmethods: [random_intercept]\n"
        "scenarios: {n_clusters: 8, cluster_size: 5, icc: [0.1, 0.2], x_icc: 0.5, slope: 0}\n"
    )
    run = ["run", str(file), "--results", str(tmp_path)]
    running = subprocess.Popen(
        [sys.executable, "-m", "simstudy", *run, "--jobs", jobs],
        stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # as in a terminal
    )  # fmt: skip
    folder = tmp_path / "big" / "estimates"
    for _ in range(2400):  # a machine may be busy with other tests
        if folder.is_dir() and any(folder.iterdir()):
            break
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert said.strip().splitlines() == [
        "interrupted; finished ranges are kept, the same command goes on"
    ]
    kept = {p.name: p.stat().st_mtime_ns for p in folder.iterdir()}
    assert kept and all(names.parse(name) for name in kept)
    assert call(*run, "--replications", 1000, "--no-report", "--quiet").code == 0
    assert all((folder / name).stat().st_mtime_ns == stamp for name, stamp in kept.items())


def test_small_scenarios_share_parts_and_large_ones_do_not(tmp_path):
    many = {"n_clusters": list(range(2, 34)), "cluster_size": 3, "icc": 0, "x_icc": 0, "slope": 0}
    small, large = study(many, METHODS, 100), study(many, METHODS, 10_000)
    assert [len(task.pieces) for task in plan(small, [])] == [32]
    assert [len(task.pieces) for task in plan(large, [])] == [1] * 32
    execute(small, ResultsFolder(tmp_path), 1)
    here = ResultsFolder(tmp_path).parts()
    assert [len(part.scenarios) for part in here] == [16, 16]
    assert all(part.methods == tuple(METHODS) for part in here)
    assert rows(tmp_path).num_rows == 32 * 100 * 3


def test_a_task_is_short_however_large_its_data_sets_are():
    many = {"n_clusters": 10_000, "cluster_size": {"uniform": [2, 9]}, "icc": [0, 0.1, 0.2, 0.3],
            "x_icc": [0, 0.5], "slope": 0}  # fmt: skip
    for task in plan(study(many, METHODS, 300), []):
        assert len(task.pieces) * (task.last - task.first + 1) * 10_000 <= 1 << 23


def test_every_task_is_a_range_of_the_plan_once():
    one = study(GRID, METHODS, 150_000)
    seen = {}
    for task in plan(one, []):
        for piece in task.pieces:
            seen.setdefault(piece.id, []).append((task.first, task.last))
    assert set(seen) == {design.id for design in one.designs}
    for spans in seen.values():
        assert missing(spans, 150_000) == [(150_001, 150_000)] or not missing(spans, 150_000)
        assert sum(last - first + 1 for first, last in spans) == 150_000


def test_missing_spans():
    assert missing([], 10) == [(1, 10)]
    assert missing([(1, 10)], 10) == []
    assert missing([(1, 3), (7, 8)], 10) == [(4, 6), (9, 10)]
    assert missing([(2, 4), (3, 9)], 6) == [(1, 1)]
    assert missing([(5, 20)], 8) == [(1, 4)]


def test_every_scenario_of_a_part_has_its_rows():
    part = names.PartName(("0000000a", "0000000b"), ("pooled",), 0, 1, 5)
    held = {("0000000a", "pooled"): [part], ("0000000b", "pooled"): [part]}
    assert names.holders([part]) == held


def test_threads_of_numerical_libraries_are_pinned_in_workers():
    asked = "__import__('os').environ.get('OMP_NUM_THREADS')"
    with backends.opened() as workers:
        assert list(workers.results([Call(eval, (asked,))] * 2, 2)) == ["1", "1"]


def test_statuses_are_rows_and_nothing_is_redrawn(tmp_path):
    """Three classrooms treated or not: x never varies within; dummy has a row all the same."""
    one = study(
        {"n_clusters": 3, "cluster_size": 4, "icc": 0.1, "x_icc": 1, "slope": 0}, METHODS, 400
    )
    table = run(one, tmp_path).to_pandas()
    assert table.groupby("method").size().to_dict() == dict.fromkeys(METHODS, 400)
    dummy = table[table.method == "dummy"]
    assert set(dummy.status) == {"not_estimable"}
    assert dummy[["estimate", "std_error", "df", "p_value"]].isna().all().all()
    fits = table[table.method == "random_intercept"]
    assert set(fits.status) == {"ok", "boundary"}
    assert np.array_equal(np.sort(fits.replication), np.arange(1, 401))


@pytest.mark.parametrize("span", [(1, 1), (100, 230), (4096, 4097)])
@pytest.mark.parametrize("grain", [None, "clusters", "rows"])
def test_scenarios_fitted_together_are_the_rows_of_each_alone(span, grain):
    """Neighbours of one shape share a batch; not a bit of any row may tell."""
    grid = {"n_clusters": [9, 3], "cluster_size": [4, {"uniform": [2, 9]}], "icc": [0, 0.3],
            "x_icc": [0, 0.5], "slope": [0, 0.2]}  # fmt: skip
    one = study(grid, METHODS, 5000)
    together = run_task(Task(one.seed, one.designs, *span, one.methods, grain))
    alone = [run_task(Task(one.seed, (d,), *span, one.methods, grain)) for d in one.designs]
    for k, found in enumerate(together):
        for name in ("estimate", "std_error", "df", "p_value", "outcome"):
            whole = np.concatenate([getattr(single[k], name) for single in alone])
            assert np.array_equal(getattr(found, name), whole, equal_nan=True), name
