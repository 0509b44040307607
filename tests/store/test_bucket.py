"""Studies whose results lie in an object store: the same rows, whatever the store does."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.fs
import pytest
from helpers_cli import assert_refused, call, call_process, environment
from helpers_own import written

import simstudy
from simstudy.errors import WorkError
from simstudy.store import parts, stored_objects
from simstudy.store.results_folder import ResultsFolder

pytestmark = pytest.mark.slow

STUDY = """\
name: s
seed: 3
replications: {replications}
scenarios: {{n_clusters: {clusters}, cluster_size: 40, icc: 0.2, x_icc: 0.5, slope: 0}}
methods: [pooled, random_intercept{own}]
report: {{figures: []}}
"""
OWN = ", {use: 'mine.py:ols'}, {use: 'mine.py:fragile', limit: 4, timeout: 30}"
ROWS = ("estimates", "failures")  # extras hold seconds


@pytest.fixture
def config(tmp_path) -> Path:
    """A study file of some parts; `again` writes it anew."""
    return again(tmp_path / "s.yaml")


def again(file: Path, replications: int = 5000, own: str = "") -> Path:
    clusters = 5 if own else [5, 30]
    file.write_text(STUDY.format(replications=replications, own=own, clusters=clusters))
    return file


@pytest.fixture
def results(object_store, tmp_path, monkeypatch) -> str:
    """URI of a parent folder; what once worked is tried again at once."""
    monkeypatch.setattr(stored_objects, "_PAUSES", (0.0, 0.0, 0.0))
    object_store.requests()
    return object_store.uri(tmp_path.name)


def stored(folder: ResultsFolder) -> dict[str, bytes]:
    """All rows and what lies beside them, byte by byte."""
    return {
        str(part) + kind: folder.read(folder.of_part(part, kind))
        for kind in ROWS
        for part in folder.parts(kind)
    }


def alike(config: Path, results: str, tmp_path: Path) -> None:
    """Hold results against those of a run that wrote to this machine."""
    local = simstudy.run(config, results=tmp_path / "local", jobs=1, report=False, warn=str)
    here, there = ResultsFolder(local.folder), ResultsFolder(results).below("s")
    assert stored(there) == stored(here)
    assert there.read("summary.csv") == here.read("summary.csv")
    found = simstudy.Results.open(results.replace("?", "/s?"))
    assert found.n_missing == 0
    assert found.summary_table().equals(local.summary_table())
    assert found.estimates.count_rows() == local.estimates.count_rows()


def test_every_verb_reads_what_run_wrote(config, results, tmp_path, object_store):
    written(tmp_path)
    config = again(config, 40, OWN)
    run = ("run", config, "--results", results, "--jobs", 1, "--no-report")
    first = call_process(*run, cwd=tmp_path)
    assert first.code == 0 and "s3://bucket/" in first.out and "?" not in first.out
    assert [line for line in first.err.splitlines() if "fits failed" not in line] == []
    alike(config, results, tmp_path)

    place = results.replace("?", "/s?")
    (tmp_path / "printed.csv").write_text("n_clusters,method,measure,printed\n5,pooled,bias,0\n")
    local = tmp_path / "local" / "s"
    scenario = simstudy.Results.open(place).study.designs[0].id
    for verb, *options in (
        ("summarize", "--format", "csv"),
        ("compare", tmp_path / "printed.csv"),
        ("replay", "--scenario", scenario, "--replication", 3, "--trust"),
    ):
        there, here = call(verb, place, *options), call(verb, local, *options)
        assert (there.code, there.out) == (0, here.out), there
    reported = call("report", place)
    assert reported.code == 0 and f"s3://bucket/{tmp_path.name}/s/report/methods.md" in reported.out
    study = ResultsFolder(place).read("study.yaml").decode()
    assert f"use: {tmp_path}/mine.py:ols" in study  # a file of this machine, by its whole path
    object_store.requests()
    assert (
        simstudy.run(config, results=results, warn=str).n_fits == 0
    )  # and nothing is read or drawn
    asked = object_store.requests()
    assert not any("_pooled" in one or one.startswith("PUT") for one in asked), asked


def test_a_part_is_one_request_and_more_are_added(config, results, tmp_path, object_store):
    simstudy.run(config, results=results, jobs=1, report=False, warn=str)
    asked = object_store.requests()
    parts = ResultsFolder(results).below("s").parts()
    puts = [one for one in asked if one.startswith("PUT") and "/estimates/" in one]
    assert len(puts) == len(parts) == len(set(puts)) and not any("?" in one for one in puts)
    more = again(config, 9000)
    assert simstudy.run(more, results=results, jobs=1, report=False).n_fits == 2 * 2 * 4000
    at_once = simstudy.run(more, results=tmp_path / "local", jobs=1, report=False)
    summary = ResultsFolder(results).below("s").read("summary.csv")
    assert summary == ResultsFolder(at_once.folder).read("summary.csv")


def test_a_store_that_is_busy_is_asked_again(config, results, tmp_path, object_store):
    with object_store.fault(method="PUT", part="estimates", status=503, count=5):
        simstudy.run(config, results=results, jobs=1, report=False, warn=str)
    alike(config, results, tmp_path)


def test_a_slow_store_is_waited_for(config, results, tmp_path, object_store):
    with object_store.fault(method="PUT", part="estimates", seconds=4, count=1):
        simstudy.run(config, results=results, jobs=1, report=False, warn=str)
    alike(config, results, tmp_path)


def test_a_refused_part_is_said_and_nothing_is_lost(config, results, tmp_path, object_store):
    run = ("run", config, "--results", results, "--jobs", 1, "--no-report")
    with object_store.fault(method="PUT", part="estimates", status=403, after=1):
        refused = call(*run)
    assert refused.code == 1 and len(refused.err.splitlines()) == 1, refused
    assert f"s3://bucket/{tmp_path.name}/s/estimates/" in refused.err
    assert "access is denied; what is finished is kept" in refused.err
    place = ResultsFolder(results).below("s")
    (kept,) = place.parts()
    assert not place.exists("summary.parquet")
    done = simstudy.run(config, results=results, jobs=1, report=False)
    assert done.n_fits == 2 * 2 * 5000 - kept.n_rows
    alike(config, results, tmp_path)


def test_an_end_between_part_and_summary_loses_nothing(config, results, tmp_path, object_store):
    command = ["run", config, "--results", results, "--jobs", "1", "--no-report"]
    with object_store.fault(method="PUT", part="scenarios.parquet", seconds=60):
        ran = subprocess.Popen(
            [sys.executable, "-m", "simstudy", *map(str, command)], env=environment()
        )
        asked: list[str] = []
        while not any("scenarios.parquet" in one for one in asked):
            time.sleep(0.05)
            asked += object_store.requests()
            assert ran.poll() is None
        ran.send_signal(signal.SIGKILL)
        ran.wait()
    place = ResultsFolder(results).below("s")
    assert not place.exists("summary.parquet")
    assert simstudy.run(config, results=results, jobs=1, report=False, warn=str).n_fits == 0
    alike(config, results, tmp_path)
    assert [name for name in place.names(".work") if name.endswith("-run")] == []
    events = [json.loads(line)["event"] for line in place.read("run.log.jsonl").splitlines()]
    assert events[0] == "start" and events[-1] == "end"


def test_a_cut_part_is_set_aside_and_computed_again(config, results, tmp_path):
    simstudy.run(config, results=results, jobs=1, report=False, warn=str)
    place, said = ResultsFolder(results).below("s"), []
    part = place.parts()[0]
    whole = place.read(place.of_part(part))
    for cut in (whole[: len(whole) // 2], b""):
        place.write(place.of_part(part), cut)
        done = simstudy.run(config, results=results, jobs=1, report=False, warn=said.append)
        assert done.n_fits == part.n_rows
    assert sum("moved to" in line and ".work/set-aside" in line for line in said) == 2
    alike(config, results, tmp_path)
    assert place.read(f".work/set-aside/estimates/{part}") == whole[: len(whole) // 2]


def test_a_store_that_refuses_to_read_breaks_no_part(config, results, object_store):
    simstudy.run(config, results=results, jobs=1, report=False, warn=str)
    with object_store.fault(method="HEAD", part="estimates", status=403):
        ran = call("summarize", results.replace("?", "/s?"))
    assert ran.code == 1 and "access is denied" in ran.err and len(ran.err.splitlines()) == 1
    place = ResultsFolder(results).below("s")
    refusing = object_store.fault(method="GET", part="estimates", status=403)
    with refusing, pytest.raises(WorkError, match="access is denied"):
        parts.footer(place, place.parts()[0])
    ran = call("run", config, "--results", results, "--no-report")
    assert ran.code == 0 and "nothing is missing" in ran.out


@pytest.mark.parametrize("after", [0, 1])
def test_half_of_a_large_object_is_never_seen(results, object_store, after):
    place = ResultsFolder(results)
    fault = {"method": "PUT", "part": "large", "status": 403, "after": after}
    with object_store.fault(**fault), pytest.raises(WorkError, match="access is denied"):
        place.write("large", bytes(12_000_000))
    assert not place.exists("large") and place.files.is_free("large")
    place.write("large", bytes(12_000_000))
    assert len(place.read("large")) == 12_000_000


def test_keys_are_neither_shown_nor_stored(config, results, tmp_path):
    uri = results.replace("s3://", "s3://key:geheim@")
    run = ("run", config, "--results", uri, "--verbose", "--no-report")
    for verb in (run, ("summarize", uri.replace("?", "/s?"))):
        ran = call(*verb)
        assert ran.code == 0 and "geheim" not in ran.out + ran.err
    found = simstudy.Results.open(uri.replace("?", "/s?"))
    assert "geheim" not in f"{found!r}{found.folder}{found._place!r}"
    files, root = pyarrow.fs.FileSystem.from_uri(results)
    selected = pyarrow.fs.FileSelector(root, recursive=True)
    paths = [info.path for info in files.get_file_info(selected) if info.is_file]
    assert len(paths) == 7
    assert not any(b"geheim" in files.open_input_file(path).read() for path in paths)
    for wrong, said in (
        (uri.replace("bucket", "nobucket"), "there is no such bucket"),
        (uri.replace("?", "/t?"), "no such folder; expected results of a study"),
        (uri + "&colour=red", "'colour' is no option"),
    ):
        line = assert_refused(call("summarize", wrong))
        assert said in line and "geheim" not in line


def test_fresh_moves_all_of_it_away(config, results, tmp_path):
    simstudy.run(config, results=results, jobs=1, report=False, warn=str)
    before = stored(ResultsFolder(results).below("s"))
    said: list[str] = []
    simstudy.run(config, results=results, jobs=1, report=False, fresh=True, warn=said.append)
    assert said == [f"s3://bucket/{tmp_path.name}/s: earlier results are in "
                    f"s3://bucket/{tmp_path.name}/s.1 now"]  # fmt: skip
    assert stored(ResultsFolder(results).below("s.1")) == before
    alike(config, results, tmp_path)
