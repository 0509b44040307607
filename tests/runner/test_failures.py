"""Failures as data: a row with a reason, nothing redrawn, other methods untouched."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest
from helpers_cli import call, call_process
from helpers_own import FILE, GRID, rows, run, study, untimed, use, written

import simstudy
from simstudy.errors import WorkError
from simstudy.results import Results
from simstudy.runner import persistence
from simstudy.runner import work as work_module
from simstudy.runner.cost import Pace
from simstudy.runner.events import Done, Finished, GaveUp, Started
from simstudy.runner.execute import execute
from simstudy.runner.plan import plan
from simstudy.runner.policy import FailurePolicy
from simstudy.runner.provenance import provenance
from simstudy.runner.said import failure_lines
from simstudy.runner.task import run_task
from simstudy.runner.work import work
from simstudy.store import parts, quarantine, study_file
from simstudy.store.results_folder import ResultsFolder
from simstudy.summary.study import summarize_study

pytestmark = pytest.mark.slow

BROKEN = """\
import os
import sys
import warnings

import numpy as np
import simstudy


class ConvergenceWarning(UserWarning):
    pass


class Worse(ConvergenceWarning):
    pass


@simstudy.method
def breaks(data, how="raise"):
    slope = float((data.x * data.y).sum())
    if slope < 0:
        return slope, 1.0
    if how == "raise":
        raise KeyError("no \\u03b2")
    if how == "exit":
        sys.exit("gone")
    if how == "warn":
        warnings.warn("did not converge", ConvergenceWarning)
    if how == "inherit":
        warnings.warn("is singular", Worse)
    if how == "harmless":
        warnings.warn("by the way", UserWarning)
        np.log(np.array([-1.0]))
    if how == "assert":
        assert slope < 0
    if how == "deep":
        return breaks(data, how)
    answers = {"nan": (np.nan, 1.0), "shape": ([1.0, 2.0], 1.0), "none": None, "zero": (1.0, 0.0)}
    return answers.get(how, (slope, 1.0))


@simstudy.method(grain="clusters")
def batch(moments, how="raise"):
    slope = (moments.mean_x * moments.mean_y).sum(axis=0)
    if (slope > 0).any() and how == "raise":
        raise ValueError("positive")
    if (slope > 0).any() and how == "warn":
        warnings.warn("positive", Worse)
    if how == "nan":
        slope = np.where(slope > 0, np.nan, slope)
    return slope, 1.0
"""
NULL = GRID | {"slope": 0.0}
MESSAGES = {
    "raise": "KeyError: 'no β'",
    "exit": "SystemExit: gone",
    "warn": "ConvergenceWarning: did not converge",
    "inherit": "Worse: is singular",
    "assert": "AssertionError",
    "deep": "RecursionError: maximum recursion depth exceeded",
    "nan": "returned estimate nan",
    "shape": "estimate has shape (2,), not (1,)",
    "none": "returned NoneType; expected estimate, std_error and, if any, df and p_value, as a "
            "tuple or a dict",
    "zero": "returned std_error 0",
}  # fmt: skip


@pytest.fixture
def mine(tmp_path):
    return written(tmp_path / "files", FILE + BROKEN).parent


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A study with failures and extras, its results; to be copied and damaged."""
    folder = tmp_path_factory.mktemp("finished")
    mine = written(folder / "files", FILE + BROKEN).parent
    one = study([use(mine, "fragile", limit=1.5), use(mine, "ols")], 40)
    return one, simstudy.run(one, jobs=1, results=folder, report=False, warn=str).folder


@pytest.fixture(scope="module")
def overlapping(tmp_path_factory):
    """A longer study, parts of its shorter self beside its own, and what was never shorter."""
    folder = tmp_path_factory.mktemp("overlapping")
    mine = written(folder / "files", FILE + BROKEN).parent
    for last in (40, 64):
        one = study([use(mine, "fragile", limit=1.5), use(mine, "ols")], last)
        run(one, folder / str(last))
    shutil.copytree(folder / "64", folder / "whole")
    for place in ("estimates", "failures", "extras"):
        for file in (folder / "40" / place).iterdir():
            shutil.copy(file, folder / "64" / place)
    return one, folder / "64", folder / "whole"


def status(folder, method):
    return rows(folder, method).column("status").to_pylist()


@pytest.fixture(scope="module")
def fine(tmp_path_factory):
    """The rows that never fail, without a failing method beside them."""
    folder = tmp_path_factory.mktemp("fine")
    written(folder, FILE + BROKEN)
    run(study(["pooled", use(folder, "breaks", how="harmless")], 12, NULL), folder / "r")
    return rows(folder / "r", "pooled"), rows(folder / "r", "breaks")


@pytest.mark.parametrize("how", MESSAGES)
def test_a_failure_is_a_row_and_changes_no_other(tmp_path, mine, fine, how):
    pooled, harmless = fine
    one = study(["pooled", use(mine, "breaks", how=how)], 12, NULL)
    run(one, tmp_path / "r")
    assert rows(tmp_path / "r", "pooled").equals(pooled)
    found = rows(tmp_path / "r", "breaks")
    failed = np.array(harmless.column("estimate").to_pylist()) >= 0
    assert 3 < failed.sum() < 21
    assert [s == "failed" for s in found.column("status").to_pylist()] == failed.tolist()
    for name in ("estimate", "std_error", "df", "p_value"):
        values, whole = found.column(name).to_pylist(), harmless.column(name).to_pylist()
        assert values == [None if bad else v for bad, v in zip(failed, whole, strict=True)]
    table = Results(one, tmp_path / "r").failures
    assert list(table.columns) == ["scenario", "replication", "method", "message", "traceback"]
    where = [(s, r) for s, r, bad in zip(found.column("scenario").to_pylist(),
             found.column("replication").to_pylist(), failed, strict=True) if bad]  # fmt: skip
    assert sorted(zip(table.scenario, table.replication, strict=True)) == sorted(where)
    assert all(message.startswith(MESSAGES[how]) for message in table.message)
    if how in ("raise", "exit", "assert", "deep"):
        assert all(str(mine / "mine.py") in text for text in table.traceback)
        assert not any("simstudy/custom" in text for text in table.traceback)
        assert all(len(text) <= 20_000 for text in table.traceback)


@pytest.mark.parametrize("how", ["raise", "warn", "nan"])
def test_a_batch_that_fails_is_halved_down_to_the_replications_at_fault(tmp_path, mine, how):
    one = study([use(mine, "batch", how=how)], 300, NULL)
    run(one, tmp_path / "a")
    run(study([use(mine, "batch", how="never")], 300, NULL), tmp_path / "b")
    whole = np.array(rows(tmp_path / "b").column("estimate").to_pylist())
    found = rows(tmp_path / "a")
    bad = np.array([s == "failed" for s in found.column("status").to_pylist()])
    assert bad.tolist() == (whole > 0).tolist() and 100 < bad.sum() < 500
    kept = np.array(found.column("estimate").to_pylist(), float)
    assert np.array_equal(kept[~bad], whole[~bad])
    messages = {"raise": "ValueError: positive", "warn": "Worse: positive",
                "nan": "returned estimate nan"}  # fmt: skip
    assert set(Results(one, tmp_path / "a").failures.message) == {messages[how]}


def test_failures_are_counted_in_the_summary_and_said_after_the_run(tmp_path, mine):
    file = tmp_path / "own.yaml"
    file.write_text(
        "name: own\nseed: 5\nreplications: 40\nscenarios: {n_clusters: 6, cluster_size: 4, icc: 0, "
        "x_icc: 0.5, slope: 0}\nmethods: [pooled, {use: 'files/mine.py:fragile', limit: 2.5}]\n"
    )
    found = call("run", file, "--results", tmp_path, "--jobs", 1, "--no-report")
    assert found.code == 0 and "noise" not in found.out + found.err
    results = Results.open(tmp_path / "own")
    n_failed = status(tmp_path / "own", "fragile").count("failed")
    assert 3 < n_failed < 40
    shares = results.summary[results.summary.measure == "share_failed"].set_index("method").value
    assert shares.to_dict() == {"pooled": 0, "fragile[limit=2.5]": n_failed / 40}
    bias = results.summary[results.summary.measure == "bias"].set_index("method")
    assert bias.loc["fragile[limit=2.5]", "n_not_used"] == n_failed
    (line,) = found.err.splitlines()
    assert f"{n_failed} of 40 fits failed, {n_failed} with: ValueError: y is" in line
    fewer = call("run", file, "--results", tmp_path, "--no-report", "--replications", 1)
    assert fewer.err.count("failed") == status(tmp_path / "own", "fragile")[:1].count("failed")


def test_settings_that_a_method_changes_do_not_outlive_it(tmp_path, mine):
    before = np.geterr()
    one = study([use(mine, "fragile", limit=99), "random_intercept"], 5, GRID | {"icc": 0})
    run(one, tmp_path / "r")
    assert np.geterr() == before
    assert set(status(tmp_path / "r", "fragile")) == {"ok"}
    assert run_task(plan(study(["random_intercept"], 5), [])[0])[0].estimate.size == 10


WANDERER = """\
import os
import sys

import simstudy

os.chdir(os.path.dirname(__file__))


@simstudy.method
def wanders(data):
    os.chdir("/")
    print("\\udc80")
    sys.stdout.buffer.write(b"x")
    sys.stderr.reconfigure(line_buffering=True)
    assert sys.stdout.encoding == "utf-8" and sys.stdout.fileno() > 2
    sys.stdout.reconfigure(encoding="ascii", errors="strict")
    if data.y.mean() > 0:
        sys.stdout.close()
    if data.y.mean() > 0.3:
        raise ValueError("far")
    return 1.0, 1.0
"""


def test_a_method_that_changes_folder_or_stream_moves_nothing(tmp_path, monkeypatch, capfd):
    written(tmp_path / "files", WANDERER)
    monkeypatch.chdir(tmp_path)
    one = study([use(tmp_path / "files", "wanders")], 12)
    run(one, Path("there"))
    assert os.getcwd() == str(tmp_path)
    table = rows(tmp_path / "there").to_pylist()
    messages = Results(one, tmp_path / "there").failures
    assert set(messages.message) == {"ValueError: far"}
    assert 6 < [row["status"] for row in table].count("ok") < 24
    assert capfd.readouterr() == ("", "")


CONVERGING = """\
import warnings

import numpy as np
import simstudy


class ConvergenceWarning(UserWarning):
    pass


@simstudy.method
def rowwise(data, kind="runtime", converged="absent"):
    kinds = {
        "runtime": (RuntimeWarning, "did not converge"),
        "boundary": (ConvergenceWarning, "The MLE may be on the boundary of the parameter space."),
        "kind": (ConvergenceWarning, "gradient is large"),
    }
    warnings.warn(kinds[kind][1], kinds[kind][0])
    answer = {"estimate": 1.0, "std_error": 1.0, "n": 3}
    return answer if converged == "absent" else answer | {"converged": converged}


@simstudy.method(grain="clusters")
def batch(moments):
    slope = (moments.mean_x * moments.mean_y).sum(axis=0)
    warnings.warn("some did not converge", RuntimeWarning)
    return {"estimate": slope, "std_error": 1.0, "converged": slope < 0.5}
"""
SAYS = "did not converge (converged is False)"
CONVERGED = {
    "in words": ({"kind": "runtime"}, "RuntimeWarning: did not converge"),
    "by kind": ({"kind": "kind"}, "ConvergenceWarning: gradient is large"),
    "boundary": ({"kind": "boundary"}, None),
    "its own business": ({"kind": "kind", "converged": True}, None),
    "said": ({"kind": "runtime", "converged": False}, SAYS),
    "said, nothing warned": ({"kind": "boundary", "converged": False}, SAYS),
}


@pytest.mark.parametrize("case", CONVERGED)
def test_non_convergence_is_warned_of_or_said(tmp_path, case):
    options, message = CONVERGED[case]
    written(tmp_path, CONVERGING)
    one = study([use(tmp_path, "rowwise", **options)], 4)
    run(one, tmp_path / "r")
    results = Results(one, tmp_path / "r")
    assert set(status(tmp_path / "r", "rowwise")) == {"failed" if message else "ok"}
    if message:
        assert set(results.failures.message) == {message}
    else:
        assert set(results.extras.name) == {"n", "seconds"}


def test_moments_say_which_replications_converged(tmp_path):
    written(tmp_path, CONVERGING)
    one = study([use(tmp_path, "batch")], 60)
    found = run(one, tmp_path / "r")
    kept = np.array(found.column("estimate").to_pylist(), float)
    results = Results(one, tmp_path / "r")
    assert 5 < np.isnan(kept).sum() < 115 and (kept[~np.isnan(kept)] < 0.5).all()
    assert set(results.failures.message) == {SAYS}
    stopped = untimed(results.extras)
    assert set(stopped.name) == {"unconverged_estimate", "unconverged_std_error"}
    assert (stopped[stopped.name == "unconverged_estimate"].value >= 0.5).all()
    assert len(stopped) == 2 * np.isnan(kept).sum()


def test_a_message_of_several_lines_is_one_line(tmp_path):
    text = (
        "import simstudy\n@simstudy.method\ndef f(data):\n"
        "    error = ValueError('first\\n   second\\tthird\\udc80' + 'x' * 500)\n"
        "    error.add_note('a note')\n    raise error\n"
    )
    written(tmp_path, text)
    one = study([use(tmp_path, "f")], 2)
    run(one, tmp_path / "r")
    failures = Results(one, tmp_path / "r").failures
    assert set(failures.message) == {"ValueError: first second third " + "x" * 500}
    assert "   second" in failures.traceback[0] and "a note" in failures.traceback[0]
    file = tmp_path / "d.csv"
    file.write_text("g,u,v\n" + "".join(f"{i % 4},{i * i % 7},{i % 5}\n" for i in range(24)))
    said = call("fit", file, "v ~ u + (1 | g)", "--method", f"{{use: '{tmp_path / 'mine.py'}:f'}}")
    lines = [line for line in said.out.splitlines() if "first" in line]
    assert lines[0].startswith("failed: ValueError: first second third xx")
    assert len(lines) == 2 and max(map(len, lines)) < 220  # and beside the others compared


def test_fail_fast_stops_with_the_failure_kept(tmp_path, mine):
    for jobs in (1, 2):
        folder = tmp_path / str(jobs)
        one = study(["pooled", use(mine, "fragile", limit=2.5), use(mine, "ols")], 160)
        with pytest.raises(WorkError) as caught:
            execute(one, ResultsFolder(folder), jobs, policy=FailurePolicy(fail_fast=True))
        said = str(caught.value)
        assert "fragile[" in said and "ValueError: y is above 2.5" in said
        assert f"replay {folder} --scenario" in said
        table = Results(one, folder).failures
        scenario, replication = said.split("--scenario ")[1].rstrip(")").split(" --replication ")
        here = table[(table.scenario == scenario) & (table.replication == int(replication))]
        assert "raise ValueError" in here.traceback.iloc[0]
        assert 0 < rows(folder, "ols").num_rows + rows(folder, "fragile").num_rows < 640
        execute(one, ResultsFolder(folder), 1)  # failures that are stored are rows like others
        whole = rows(folder)
        assert whole.num_rows == 2 * 160 * 3
    assert whole.equals(rows(tmp_path / "1"))


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_fail_fast_exits_1_in_one_line(tmp_path, mine, jobs):
    file = tmp_path / "own.yaml"
    file.write_text(
        "name: own\nseed: 5\nreplications: 300\nscenarios: {n_clusters: 6, cluster_size: 4, "
        "icc: 0, x_icc: 0.5, slope: 0}\nmethods: [{use: 'files/mine.py:fragile'}]\n"
    )
    found = call_process("run", file, "--jobs", jobs, "--fail-fast", cwd=tmp_path)
    assert found.code == 1 and found.out == ""
    (line,) = found.err.splitlines()
    assert line.startswith("fragile[") and "ValueError" in line


def test_a_method_that_only_fails_is_given_up_and_the_others_end(tmp_path, mine):
    always, ols = use(mine, "fragile", limit=-99), use(mine, "ols")
    one = study(["pooled", always, ols], 200)
    policy = FailurePolicy(give_up=100)
    n_fits = execute(one, ResultsFolder(tmp_path / "a"), 1, policy=policy)
    (line,) = policy.given_up()
    assert line.startswith("gave up on fragile[limit=-99] after 100 failures in a row (ValueError")
    stored = rows(tmp_path / "a", "fragile").num_rows
    assert 100 <= stored <= 160 and n_fits == 800 + stored
    assert f"{400 - stored} of its fits are not computed" in line
    assert rows(tmp_path / "a", "ols").num_rows == 400
    assert set(status(tmp_path / "a", "fragile")) == {"failed"}
    again = FailurePolicy(give_up=0)
    execute(one, ResultsFolder(tmp_path / "a"), 1, policy=again)
    assert again.given_up() == []
    assert rows(tmp_path / "a").equals(run(one, tmp_path / "b", policy=FailurePolicy(give_up=0)))


def test_a_method_is_given_up_in_the_one_scenario_where_it_only_fails(tmp_path):
    text = (
        "import simstudy\n@simstudy.method\ndef f(data):\n"
        "    if len(data) == 24: raise ValueError('24')\n    return 0.0, 1.0\n"
    )
    written(tmp_path, text)
    one = study([use(tmp_path, "f")], 300, GRID | {"cluster_size": [4, 5]})
    policy = FailurePolicy(give_up=64)
    execute(one, ResultsFolder(tmp_path / "r"), 1, policy=policy)
    small = next(design.id for design in one.designs if design.n_obs == 24)
    (line,) = policy.given_up()
    assert f"gave up on f in scenario {small} after 64" in line
    n_fits = Counter(rows(tmp_path / "r").column("scenario").to_pylist())
    assert n_fits[small] == 64 and n_fits.total() == 364


def test_giving_up_exits_1_after_the_table(tmp_path, mine):
    file = tmp_path / "own.yaml"
    file.write_text(
        "name: own\nseed: 5\nreplications: 100\nscenarios: {n_clusters: 6, cluster_size: 4, "
        "icc: 0, x_icc: 0.5, slope: 0}\nmethods: [pooled, {use: 'files/mine.py:fragile', "
        "limit: -99}]\n"
    )
    command = ("run", file, "--results", tmp_path, "--jobs", 1, "--no-report", "--give-up")
    found = call(*command, 50)
    assert found.code == 1 and "Rejection rate" in found.out
    assert "gave up on fragile[limit=-99] after 50" in found.err
    assert found.err.splitlines()[-1] == "some fits are not computed: see above"
    assert call(*command, 0).code == 0
    assert call("run", file, "--give-up", "-1").code == 2


def test_running_out_of_memory_is_nobodys_result(tmp_path):
    text = (
        "import simstudy\n@simstudy.method\ndef f(data):\n    raise MemoryError('too much')\n"
        "@simstudy.method(grain='clusters')\ndef g(m):\n    raise MemoryError('too much')\n"
    )
    written(tmp_path, text)
    for name in ("f", "g"):
        one = study([use(tmp_path, name)], 5)
        study_file.prepare(one, ResultsFolder(tmp_path / name))
        with pytest.raises(MemoryError):
            work(plan(one, [])[0], ResultsFolder(tmp_path / name), provenance(one))
        assert not list((tmp_path / name / "estimates").iterdir())


def test_failures_and_extras_are_there_before_the_rows(tmp_path, mine, monkeypatch):
    """A worker that dies between the two leaves rows to be computed, not failures without why."""
    one = study([use(mine, "fragile", limit=-99), use(mine, "ols")], 10)
    study_file.prepare(one, ResultsFolder(tmp_path / "r"))

    def die(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(work_module.parts, "write", die)
    for task in plan(one, []):
        with pytest.raises(KeyboardInterrupt):
            work(task, ResultsFolder(tmp_path / "r"), provenance(one))
    assert len(os.listdir(tmp_path / "r" / "failures")) == 2
    assert len(os.listdir(tmp_path / "r" / "extras")) == 4
    monkeypatch.undo()
    assert run(one, tmp_path / "r").equals(run(one, tmp_path / "whole"))


def test_failures_of_an_earlier_version_of_the_file_are_not_counted(tmp_path, mine):
    written(mine, FILE.replace("limit=1.0", "limit=-99.0") + BROKEN)
    old = study([use(mine, "fragile")], 10)
    run(old, tmp_path / "r")
    assert len(failure_lines(old, ResultsFolder(tmp_path / "r"))) == 1
    written(mine, FILE.replace("limit=1.0", "limit=99.0") + BROKEN)
    new, said = study([use(mine, "fragile")], 10), []
    run(new, tmp_path / "r", warn=said.append)
    run(new, tmp_path / "r", warn=said.append)
    assert len(said) == 1 and said[0].startswith(f"{mine / 'mine.py'} has changed: its methods")
    assert failure_lines(new, ResultsFolder(tmp_path / "r")) == []
    assert Results(new, tmp_path / "r").failures.empty
    measures = {
        row["measure"]: row["value"]
        for row in summarize_study(new, ResultsFolder(tmp_path / "r")).to_pylist()
    }
    assert measures["share_failed"] == 0


def test_time_left_is_true_for_fast_and_slow_methods_together(mine):
    """A million fast fits promise nothing for a slow method; its own tasks tell what is left."""
    one = study(["pooled", use(mine, "ols")], 640)
    tasks = plan(one, [])
    fast, slow = ([t for t in tasks if t.shared is not own] for own in (False, True))
    pace = started(tasks, jobs=2)
    for task in fast:
        assert pace.hear(Done(task, 0.01)) is None
    left = [pace.hear(Done(task, 1.6)) for task in slow]
    assert len(slow) == 40
    np.testing.assert_allclose(left, 0.8 * np.arange(39, -1, -1), rtol=1e-5, atol=1e-6)
    pace = started(tasks, jobs=1)
    for task in [*fast, *slow[:20]]:
        left = pace.hear(Done(task, 1.0))
    assert left == pytest.approx(20.0)
    for task in slow[20:-1]:
        pace.hear(GaveUp(task))
    assert pace.hear(Done(slow[-1], 1.0)) == pytest.approx(0.0, abs=1e-6)


def started(tasks, jobs):
    pace = Pace()
    assert pace.hear(Started(Path(), tasks, jobs, {})) is None
    return pace


def test_a_run_is_a_stream_of_events_from_which_the_time_left_is_known(tmp_path, mine):
    one, told, pace = study(["pooled", use(mine, "ols")], 64), [], Pace()
    execute(
        one,
        ResultsFolder(tmp_path / "r"),
        1,
        listen=lambda event: told.append((event, pace.hear(event))),
    )
    events, left = zip(*told, strict=True)
    assert [type(events[0]), type(events[-1])] == [Started, Finished]
    ranges = events[1:-1]
    assert all(isinstance(event, Done) for event in ranges)
    assert sum(event.task.n_fits for event in ranges) == 256 == events[-1].n_fits
    assert events[0].n_fits == 256 and len(events[0].tasks) == len(ranges)
    assert left[1] is None and left[-1] == pytest.approx(0.0, abs=1e-6)


def test_ranges_of_a_method_that_is_given_up_are_told(tmp_path, mine):
    one, told = study(["pooled", use(mine, "fragile", limit=-99)], 200), []
    n_fits = execute(
        one, ResultsFolder(tmp_path / "r"), 1, told.append, policy=FailurePolicy(give_up=100)
    )
    given_up = [event for event in told if isinstance(event, GaveUp)]
    assert given_up and all(event.reason is None for event in given_up)
    n_left_out = sum(event.task.n_fits for event in given_up)
    assert (told[-1].n_fits, told[-1].n_left_out) == (n_fits, n_left_out) == (n_fits, 800 - n_fits)


def test_statsmodels_warnings_of_non_convergence_fail_the_row(tmp_path):
    pytest.importorskip("statsmodels")
    text = (
        "import simstudy\n@simstudy.method\ndef mixed(data, steps=50):\n"
        "    from statsmodels.regression.mixed_linear_model import MixedLM\n"
        "    model = MixedLM.from_formula('y ~ x', data, groups='cluster')\n"
        "    fit = model.fit(method='bfgs', maxiter=steps)\n"
        "    return fit.params['x'], fit.bse['x']\n"
    )
    written(tmp_path, text)
    grid = {"n_clusters": 12, "cluster_size": 8, "icc": 0.4, "x_icc": 0.3, "slope": 0.3}
    wald = {"random_intercept": {"df": "wald"}}
    one = study([wald, use(tmp_path, "mixed"), use(tmp_path, "mixed", steps=1)], 10, grid)
    run(one, tmp_path / "r")
    assert (
        status(tmp_path / "r", "mixed[use=mine.py,digest=" + one.methods[1].source.digest + "]")
        == ["ok"] * 10
    )
    stopped = rows(tmp_path / "r", one.methods[2].canonical)
    assert "failed" in stopped.column("status").to_pylist()
    messages = Results(one, tmp_path / "r").failures.message
    assert all("ConvergenceWarning" in message for message in messages)
    ours, theirs = (rows(tmp_path / "r", m.canonical) for m in one.methods[:2])
    a, b = (t.to_pandas() for t in (ours, theirs))
    np.testing.assert_allclose(b.estimate, a.estimate, rtol=1e-5)  # their optimiser's stop
    # theirs is of the whole observed information, ours of the slope's given the variances
    np.testing.assert_allclose(b.std_error, a.std_error, rtol=1e-2)


@pytest.mark.parametrize("kind", ["failures", "extras"])
@pytest.mark.parametrize("fault", ["gone", "cut short", "emptied"])
def test_what_lay_beside_rows_and_was_damaged_is_made_again(tmp_path, finished, kind, fault):
    """A power loss may take it: the rows' footer knows what was there."""
    one, folder = finished
    before = Results(one, shutil.copytree(folder, tmp_path / folder.name))
    tables = before.failures, before.extras
    kept = rows(before.folder)
    file = min((before.folder / kind).iterdir())
    if fault == "gone":
        file.unlink()
    else:
        file.write_bytes(b"" if fault == "emptied" else file.read_bytes()[:-100])
    said = []
    found = [
        error for _, error in quarantine.broken(ResultsFolder(before.folder), parts.Whose.of(one))
    ]
    assert [error.file for error in found] == [str(file)]
    assert (
        quarantine.set_broken_aside(ResultsFolder(before.folder), parts.Whose.of(one), said.append)
        == 1
    )
    assert len(said) == 1 and file.name in said[0]
    again = simstudy.run(one, jobs=1, results=tmp_path, report=False, warn=said.append)
    assert again.n_fits == 32 and rows(again.folder).equals(kept)
    for old, new in zip(tables, (again.failures, again.extras), strict=True):
        old, new = untimed(old), untimed(new)
        assert old.sort_values(list(old)[:4]).equals(new.sort_values(list(new)[:4]))


def test_unreadable_failures_are_found_by_the_next_run(tmp_path, mine):
    one = study([use(mine, "fragile", limit=1.5)], 40)
    first = simstudy.run(one, jobs=1, results=tmp_path, report=False, warn=lambda line: None)
    said, file = [], min((first.folder / "failures").iterdir())
    file.write_bytes(b"PAR1")
    with pytest.raises(parts.BrokenPartError, match="not a readable part"):
        print(first.failures)
    again = simstudy.run(one, jobs=1, results=tmp_path, report=False, warn=said.append)
    assert again.n_fits == 32 and len(again.failures) > 0
    assert len(said) == 2 and "set-aside" in said[0] and "fits failed" in said[1]


@pytest.mark.parametrize("kind", ["failures", "extras"])
def test_a_replication_that_two_parts_hold_is_counted_once(overlapping, kind):
    """Two runs at once with other --replications leave ranges that overlap."""
    one, twice, once = overlapping
    assert any("33-0000000040" in name for name in os.listdir(twice / kind))
    found = untimed(getattr(Results(one, twice), kind))
    names = list(found.columns)[:4]
    whole = untimed(getattr(Results(one, once), kind)).sort_values(names)
    assert len(whole) > 4
    assert found.sort_values(names).reset_index(drop=True).equals(whole.reset_index(drop=True))
    few = Results(replace(one, replications=10), twice)
    assert getattr(few, kind).replication.max() <= 10


KILLER = """\
import os
import simstudy


@simstudy.method(part=8)
def dies(data, code=0):
    if data.y.max() > 3.4:  # in one of eight ranges
        os._exit(code)
    return 0.0, 1.0


@simstudy.method(part=8)
def hungry(data):
    if data.y.max() > 3.4:  # in one of eight ranges
        raise MemoryError
    return 0.0, 1.0
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize(("name", "jobs"), [("dies", 2), ("hungry", 1)])
def test_a_method_that_ends_its_process_costs_the_others_nothing(
    tmp_path, mine, name, jobs, monkeypatch
):
    monkeypatch.setattr(persistence, "_TRIES", 1)  # a pool takes two seconds; three: test_faults
    written(tmp_path, KILLER)
    ols = use(mine, "ols")
    one, said = study([use(tmp_path, name), "pooled", ols], 32), []
    policy = FailurePolicy()
    n_fits = execute(one, ResultsFolder(tmp_path / "r"), jobs, warn=said.append, policy=policy)
    for other in ("pooled", "ols"):
        assert rows(tmp_path / "r", other).equals(
            run(study(["pooled", ols], 32), tmp_path / "whole").filter(
                pc.starts_with(rows(tmp_path / "whole").column("method"), other)
            )
        )
    kept = rows(tmp_path / "r", name)
    assert 0 < kept.num_rows < 64 and kept.num_rows % 8 == 0
    assert n_fits == 2 * 64 + kept.num_rows
    lines = policy.given_up()
    assert sum("8 fits are not computed" in line for line in lines) == (64 - kept.num_rows) // 8
    assert all(line.startswith(f"{name} in scenario ") for line in lines)
    why = "a worker ended (EXIT(0))" if name == "dies" else "a worker ran out of memory"
    assert all(why in line for line in lines) and "one range at a time" in said[-1]


def test_a_stopped_run_says_so_in_its_log(tmp_path, mine):
    one = study(["pooled", use(mine, "fragile", limit=-99)], 64)
    with pytest.raises(WorkError):
        execute(one, ResultsFolder(tmp_path / "r"), 1, policy=FailurePolicy(fail_fast=True))
    events = [json.loads(line) for line in (tmp_path / "r" / "run.log.jsonl").open()]
    assert [e["event"] for e in events] == ["start", "range", "range", "stopped"]
    assert events[2]["failed"] == 32 and "failed" not in events[1]
    assert events[3]["reason"] == "WorkError"


def test_a_function_that_goes_elsewhere_takes_no_rows_along(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    text = (
        "import os\nimport simstudy\n@simstudy.method\ndef f(data):\n"
        f"    os.chdir({str(tmp_path / 'elsewhere')!r})\n    return 0.0, 1.0\n"
    )
    written(tmp_path, text)
    monkeypatch.chdir(tmp_path)
    one = study([use(tmp_path, "f"), "pooled"], 40)
    for jobs in (1, 2):
        found = simstudy.run(one, jobs=jobs, results=f"r{jobs}", report=False)
        assert os.listdir(tmp_path / "elsewhere") == []
        assert rows(tmp_path / f"r{jobs}" / "own", "f[").num_rows == 80
        assert found.n_missing == 0 and not found.summary.value.isna().all()
