"""Every backend stores the same bits, and says in one line what it cannot do."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import threading
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers_cli import assert_refused, call
from helpers_dask import Cluster, commands
from helpers_faults import ROOT, n_parts_of, same_rows, wait_for_a_part
from helpers_simulation import study as study_of

import simstudy
from simstudy.errors import UserError, WorkError
from simstudy.runner import backends, persistence
from simstudy.runner import execute as execute_module
from simstudy.runner.backends import _backend, _elsewhere, loky
from simstudy.runner.backends import dask as dask_module
from simstudy.runner.backends._backend import Call, LostError
from simstudy.runner.events import Done, Started
from simstudy.runner.execute import execute
from simstudy.runner.policy import FailurePolicy
from simstudy.store.results_folder import ResultsFolder

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="signals")]

MINE = """
import os, time
import numpy as np
import simstudy

@simstudy.generator(part=64)
def skewed(rng, scenario):
    cluster = np.repeat(np.arange(scenario.n_clusters), scenario.sizes(rng))
    x = rng.normal(size=cluster.size)
    y = rng.gamma(1, size=scenario.n_clusters)[cluster] + np.random.normal(size=cluster.size)
    return {"cluster": cluster, "x": x, "y": y}

@simstudy.method(part=64)
def ols(data):
    x = data.x - data.x.mean()
    if data.y.iloc[0] > 2.5:
        raise ValueError("too large")
    return (x * data.y).sum() / (x * x).sum(), 0.1 + np.random.random()

@simstudy.method(grain="clusters", part=1024)
def slow(moments):
    time.sleep(0.02)
    return {"estimate": moments.mean_y[0], "std_error": np.ones(moments.mean_y.shape[1])}

@simstudy.method(part=8)
def seen(data):
    return data.y.iloc[0], 1.0

@simstudy.method(part=8)
def deadly(data):
    if abs(data.y.iloc[0] - 9e9) < 1e-9:
        os._exit(7)
    return 0.0, 1.0
"""
OWN = {"use": "mine.py:ols"}
PLAIN = {"n_clusters": 6, "cluster_size": [5, {"uniform": [3, 8]}], "icc": 0.1, "x_icc": 0.5,
         "slope": 0.2}  # fmt: skip
DRAWN = {"data": {"use": "mine.py:skewed"}, "n_clusters": 5, "cluster_size": 4, "slope": 0}
STUDIES = {
    "plain": (PLAIN, ["pooled", "dummy", "random_intercept", {"random_intercept": {"df": "wald"}},
                      OWN]),
    "drawn": (DRAWN, ["random_intercept", OWN]),
}  # fmt: skip


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with Cluster(tmp_path_factory.mktemp("cluster"), allowed_failures=0) as started:
        yield started


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """The user's file, in the current folder."""
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "mine.py"


def digest(folder):
    """Of all rows and of the summary, to the bit; seconds are no part of it."""
    made = hashlib.sha256()
    for kind in ("estimates", "failures", "extras"):
        if (folder / kind).is_dir():
            table = pq.read_table(folder / kind)
            names = [name for name in ("scenario", "method", "replication", "name")
                     if name in table.column_names]  # fmt: skip
            table = table.sort_by([(name, "ascending") for name in names])
            # a traceback names the file, which is in another place each time
            table = table.select(sorted({*table.column_names} - {"traceback"})).to_pandas()
            if "name" in table:
                table = table[table["name"] != "seconds"]
            made.update(table.to_csv(index=False, float_format="%.17g").encode())
    summary = pq.read_table(folder / "summary.parquet").replace_schema_metadata()
    sink = pa.BufferOutputStream()
    pq.write_table(summary, sink)
    made.update(sink.getvalue())
    return made.hexdigest()


def digests(results, backend, jobs, scheduler=None):
    """Of every study, done by this backend."""
    found = []
    for name, (scenarios, methods) in STUDIES.items():
        one = {"name": name, "seed": 5, "replications": 70, "methods": methods,
               "scenarios": scenarios}  # fmt: skip
        made = simstudy.run(one, jobs=jobs, backend=backend, scheduler=scheduler, results=results,
                            report=False, warn=str)  # fmt: skip
        found.append(digest(made.folder))
    return found


@pytest.fixture(scope="module")
def golden(tmp_path_factory):
    folder = tmp_path_factory.mktemp("golden")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        (folder / "mine.py").write_text(MINE)
        return digests(folder, "serial", None)


JOBS = {"loky": [2], "threads": [2]}  # more of them: test_faults


@pytest.mark.parametrize(
    ("backend", "jobs"), [(name, n) for name in backends.names() for n in JOBS.get(name, [None])]
)
def test_rows_and_summary_are_the_same_bits_whatever_does_the_work(
    mine, golden, cluster, backend, jobs
):
    scheduler = cluster.address if backend == "dask" else None
    assert digests(mine.parent, backend, jobs, scheduler) == golden


@pytest.mark.parametrize("name", backends.names())
def test_a_backend_does_all_calls_and_says_how_memory_ran_out(name, cluster, tmp_path):
    with backends.opened(name, cluster.address if name == "dask" else None) as workers:
        workers.meet(_backend.Needs(ResultsFolder(tmp_path), {}, {}))
        jobs = workers.n_jobs(None, 2)
        assert jobs == (1 if name == "serial" else 2) or name == "dask"
        assert workers.n_here(None) >= 1
        calls = (Call(pow, (2, k), bool(k % 2)) for k in range(20))
        assert sorted(workers.results(calls, jobs)) == [2**k for k in range(20)]
        with pytest.raises(ZeroDivisionError):
            list(workers.results([Call(divmod, (1, 0))], jobs))
        with pytest.raises(LostError, match="out of memory"):
            list(workers.results([Call(exec, ("raise MemoryError",))], jobs))
        assert list(workers.results([Call(abs, (-1,))], jobs)) == [1]
    assert os.listdir(tmp_path) in ([], [".work"]) and not any(tmp_path.glob(".work/*"))


def test_a_users_code_has_a_process_to_itself_in_threads():
    inside, most = [], []

    def counted():
        inside.append(1)
        most.append(len(inside))
        threading.Event().wait(0.01)
        inside.pop()

    with backends.opened("threads") as workers:
        list(workers.results([Call(counted, (), True)] * 6, 3))
    assert most == [1] * 6


def write(mine, limit=9e9, **more):
    """A study file whose one slow method makes a run last for some seconds."""
    mine.write_text(MINE.replace("9e9", str(limit)))
    content = {"name": "f", "seed": 5, "scenarios": PLAIN} | more
    config = mine.with_suffix(".yaml")
    config.write_text(str(content))
    return config


def test_a_worker_that_is_killed_costs_no_row(mine, cluster, tmp_path):
    config = write(mine, replications=1024 * 6, methods=["pooled", {"use": "mine.py:slow"}])
    done, said = [], []

    def listen(event):
        done.extend([event] if isinstance(event, Done) else [])
        if isinstance(event, Done) and len(done) == 4:
            os.kill(cluster.workers()[0], signal.SIGKILL)

    found = simstudy.run(config, backend="dask", scheduler=cluster.address, listen=listen,
                         warn=said.append, results=tmp_path / "d", report=False)  # fmt: skip
    assert found.n_missing == 0
    # it may have been between two ranges
    assert said in ([], ["a worker ended; going on with fresh workers (try 2 of 3)"])
    simstudy.run(config, backend="threads", jobs=2, results=tmp_path / "t", report=False)
    same_rows(tmp_path / "d" / "f", tmp_path / "t" / "f")
    assert os.listdir(tmp_path / "d" / "f" / ".work") == []


def test_a_run_that_is_ended_takes_back_what_nobody_has_begun(mine, cluster, tmp_path):
    config = write(mine, replications=1024 * 200, methods=[{"use": "mine.py:slow"}])
    life = cluster.life(config, tmp_path)
    wait_for_a_part(life, tmp_path / "f", 1)
    os.kill(life.process.pid, signal.SIGTERM)
    code, said = life.end()
    assert code == 143 and len(said) == 1 and "finished ranges are kept" in said[0]
    life.wait_until_gone()
    threading.Event().wait(0.5)  # what is under way ends
    stored = n_parts_of(tmp_path / "f")
    threading.Event().wait(0.5)
    assert 0 < n_parts_of(tmp_path / "f") == stored < 100


def test_a_method_that_ends_its_worker_again_and_again_is_left_out(
    mine, cluster, tmp_path, monkeypatch
):
    monkeypatch.setattr(persistence, "_TRIES", 1)  # a worker takes a second to come back
    scenarios = PLAIN | {"cluster_size": 5}
    one = study_of(scenarios, [{"use": "mine.py:seen"}], 16, 5)
    execute(one, ResultsFolder(tmp_path / "seen"), 1)
    values = pq.read_table(tmp_path / "seen" / "estimates").sort_by("replication")["estimate"]
    deadly = [{"use": "mine.py:deadly"}, "pooled"]
    config = write(mine, values[10].as_py(), replications=16, methods=deadly, scenarios=scenarios)
    said = []
    found = simstudy.run(config, backend="dask", scheduler=cluster.address, warn=said.append,
                         results=tmp_path, report=False)  # fmt: skip
    assert "one range at a time" in said[-2], said
    assert "replications 9 to 16: a worker ended; its 8 fits are not computed" in said[-1]
    assert found.given_up == said[-1:] and n_parts_of(tmp_path / "f") == 2


def test_a_range_that_was_tried_often_is_tried_alone_at_once(mine, tmp_path):
    """As dask does, whose every loss stands for several workers."""

    asked = []

    class Losing(loky.Loky):
        def _results(self, calls, jobs):
            calls = list(calls)
            asked.append(len(calls))
            kept = [call for call in calls if call.arguments[0].first != 9]
            yield from super()._results(kept, 1)
            if len(kept) < len(calls):
                raise LostError("a worker ended", 4)

    one = study_of(PLAIN | {"cluster_size": 5}, [{"use": "mine.py:deadly"}], 24)
    policy, said = FailurePolicy(give_up=0), []
    execute(one, ResultsFolder(tmp_path), 2, policy=policy, backend=Losing(), warn=said.append)
    assert asked == [3, 1] and policy.n_left_out == 8
    assert said == ["a worker ended; going on with fresh workers (one range at a time)"]


def test_files_and_functions_reach_workers_by_content(mine, cluster, tmp_path):
    """They are gone before the first worker asks; tracebacks show their lines all the same."""

    def gone(event):
        if isinstance(event, Started):
            mine.unlink()

    def given(moments):
        return {"estimate": moments.mean_y[0], "std_error": moments.mean_y[0] ** 2}

    given.__module__ = "__main__"
    methods = [OWN, simstudy.method(grain="clusters")(given)]
    one = study_of(DRAWN, methods, 100)
    found = {}
    for name in ("serial", "dask"):
        folder = ResultsFolder(tmp_path / name)
        with backends.opened(name, cluster.address if name == "dask" else None) as workers:
            execute(one, folder, listen=gone if name == "dask" else str, backend=workers)
        found[name] = [pq.read_table(tmp_path / name / kind).to_pandas()
                       for kind in ("estimates", "failures")]  # fmt: skip
        order = ["scenario", "method", "replication"]
        found[name] = [table.sort_values(order, ignore_index=True) for table in found[name]]
    assert all(one.equals(other) for one, other in zip(*found.values(), strict=True))
    assert 'raise ValueError("too large")' in found["dask"][1].traceback.iloc[0]


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("what", ["versions", "folder"])
def test_workers_elsewhere_are_refused_by_name(tmp_path, cluster, monkeypatch, later, what):
    """Those that come later when they are given their first range."""
    if what == "versions":
        other = {"numpy": "0.9"}
        monkeypatch.setattr(execute_module, "decisive", lambda source: other)
    else:
        monkeypatch.setattr(dask_module, "Place", lambda folder, marker, token, files:
                            _elsewhere.Place(folder, marker, b"another", files))  # fmt: skip
    if later:
        monkeypatch.setattr("distributed.Client.run", lambda *given, **more: {})
    study = {"name": "f", "seed": 1, "replications": 9, "methods": ["pooled"], "scenarios": PLAIN}
    with pytest.raises(UserError) as refused:
        simstudy.run(study, backend="dask", scheduler=cluster.address, results=tmp_path)
    expected = {"versions": r"has other versions: numpy \S+ \(here: 0.9\)",
                "folder": f"does not see the folder of the results, {tmp_path}/f"}  # fmt: skip
    refused.match(rf"^worker tcp://127\.0\.0\.1:\d+ {expected[what]}$")
    assert n_parts_of(tmp_path / "f") == 0


def test_that_no_worker_is_left_is_said(tmp_path, cluster, monkeypatch):
    monkeypatch.setattr(dask_module, "_COME", 0.1)
    monkeypatch.setattr(dask_module, "_LOOK", 0.05)
    with backends.opened("dask", cluster.address) as workers:
        workers.meet(_backend.Needs(ResultsFolder(tmp_path), {}, {}))
        monkeypatch.setattr(workers._client, "nthreads", dict)
        with pytest.raises(WorkError, match=r"no worker came .* in 0\.1 s; finished"):
            list(workers.results([Call(time.sleep, (1,))], 1))


def test_what_cannot_be_is_refused_in_a_line_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    monkeypatch.setattr(dask_module, "_ANSWER", 0.3)
    config = ROOT / "configs" / "smoke.yaml"
    for given, said in (
        (["--backend", "lokey"], "did you mean 'loky'"),
        (["--backend", "serial", "--jobs", "2"], "serial has one job"),
        (["--scheduler", "tcp://127.0.0.1:1"], "backend loky has none"),
        (["--backend", "dask"], "--scheduler tcp://HOST:PORT"),
        (["--backend", "dask", "--scheduler", "tcp://127.0.0.1:1"], "nobody answers at"),
        (["--backend", "dask", "--scheduler", "here"], "nobody answers at"),
    ):
        assert said in assert_refused(call("run", config, "--results", tmp_path / "r", *given))
    monkeypatch.setitem(sys.modules, "dask", None)
    line = assert_refused(call("run", config, "--results", tmp_path / "r", "--backend", "dask"))
    assert "pip install 'simstudy[dask]'" in line
    assert not (tmp_path / "r").exists()


def test_the_commands_of_the_page_run_and_a_scheduler_that_dies_is_said(
    mine, cluster, tmp_path, monkeypatch
):
    """Last: the cluster is of no use after it."""
    monkeypatch.chdir(ROOT)
    *_, run = commands(cluster.address)
    assert run[:3] == ["python", "-m", "simstudy"]
    ran = call(*run[3:], "--results", tmp_path, "--replications", "20", "--no-report")
    assert ran.code == 0 and ran.err == "", ran
    config = write(mine, replications=1024 * 200, methods=[{"use": "mine.py:slow"}])

    def listen(event):
        if isinstance(event, Done):
            cluster.scheduler.kill()

    with pytest.raises(WorkError, match="is gone; finished ranges are kept"):
        simstudy.run(config, backend="dask", scheduler=cluster.address, listen=listen,
                     results=tmp_path, report=False)  # fmt: skip
    assert n_parts_of(tmp_path / "f") > 0
