"""Whatever ends a run, the same command goes on, and the rows are those of an undisturbed run."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers_cli import call
from helpers_faults import (
    Life,
    check_folder,
    document,
    kill,
    rows,
    same_rows,
    torment,
    write_study,
)
from helpers_simulation import study

import simstudy
from simstudy.errors import UserError, WorkError
from simstudy.generators.streams import BLOCK
from simstudy.measures import own
from simstudy.runner import backends, persistence
from simstudy.runner import execute as execute_module
from simstudy.runner.backends import loky
from simstudy.runner.backends._backend import LostError
from simstudy.runner.execute import execute
from simstudy.runner.plan import plan
from simstudy.runner.provenance import provenance
from simstudy.runner.work import work
from simstudy.store import parts, study_file, summary_file
from simstudy.store.processes import alive, own_name
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.study import load
from simstudy.summary import parts as summary_parts
from simstudy.summary.study import summarize_study

pytestmark = pytest.mark.slow

processes = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
GRID = {"n_clusters": [3, 8], "cluster_size": [4, {"uniform": [2, 9]}], "icc": 0.1,
        "x_icc": [0, 0.5], "slope": 0.2}  # fmt: skip
METHODS = ["pooled", "dummy", "random_intercept"]
SMALL = {"name": "f", "seed": 3, "replications": 40, "methods": METHODS, "scenarios": GRID}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Results of the study that the faults below befall."""
    folder = tmp_path_factory.mktemp("undisturbed")
    life = Life(write_study(folder, document()), folder)
    assert life.end() == (0, [])
    life.wait_until_gone()
    return folder / "f"


def finished(config, results):
    """Run to the end, in this process: nothing on stderr, nothing but parts."""
    ran = call("run", config, "--results", results, "--jobs", 1, "--no-report", "--quiet")
    assert (ran.code, ran.err) == (0, "")
    check_folder(results / "f")


def some_parts(life, folder, least=1):
    """Wait until a run has written parts and is still at it."""
    for _ in range(12000):
        place = folder / "estimates"
        if place.is_dir() and len(os.listdir(place)) >= least:
            return
        assert life.process.poll() is None, life.end()
        time.sleep(0.01)
    raise AssertionError("no part in two minutes")


@processes
def test_kills_of_each_kind_lose_nothing_and_leave_nothing(tmp_path):
    """A longer version is ``python tests/helpers_faults.py --kills 300``."""
    tally = torment(tmp_path, 3)
    of_workers = sum(tally[kind] for kind in tally if kind.startswith("worker"))
    assert of_workers >= 1 and tally["parent"] >= 1 and tally["group"] >= 1, tally
    assert tally["left parts"] >= 1, tally  # at work when killed


@processes
@pytest.mark.parametrize(("jobs", "whole_group"), [(1, False), (2, False), (2, True)])
def test_sigterm_ends_a_run_cleanly(tmp_path, undisturbed, jobs, whole_group):
    config = write_study(tmp_path, document())
    life = Life(config, tmp_path, jobs=jobs)
    some_parts(life, tmp_path / "f")
    (os.killpg if whole_group else os.kill)(life.process.pid, signal.SIGTERM)
    code, said = life.end()
    assert (code, said[-1]) == (
        143, "terminated; finished ranges are kept, the same command goes on"
    )  # fmt: skip
    assert all("going on with fresh workers" in line for line in said[:-1])
    life.wait_until_gone()
    check_folder(tmp_path / "f")
    finished(config, tmp_path)
    same_rows(tmp_path / "f", undisturbed)


@processes
def test_workers_end_when_their_parent_is_killed(tmp_path):
    life = Life(write_study(tmp_path, document()), tmp_path)
    some_parts(life, tmp_path / "f")
    assert len(life.workers()) == 2
    kill(life.process.pid)
    life.process.wait()
    for _ in range(100):
        if not life.workers():
            break
        time.sleep(0.01)
    assert life.workers() == []
    life.wait_until_gone()


@processes
def test_workers_of_another_thread_outlive_it_but_not_the_process(tmp_path):
    """A notebook's or a server's thread: what ends there is no parent."""
    code = (
        "import json, sys, threading, time, simstudy\n"
        "def go(name):\n"
        "    one = json.loads(sys.argv[1]) | {'name': name}\n"
        "    simstudy.run(one, jobs=2, results=sys.argv[2], report=False, warn=print)\n"
        "for name in 'ab':\n"
        "    thread = threading.Thread(target=go, args=(name,))\n"
        "    thread.start()\n"
        "    thread.join()\n"
        "print('done', flush=True)\n"
        "time.sleep(60)\n"
    )
    small = json.dumps(document() | {"replications": 2000})
    life = Life(tmp_path, tmp_path, command=[sys.executable, "-c", code, small, str(tmp_path)])
    assert life.process.stdout.readline() == "done\n"
    assert len(life.workers()) == 2
    kill(life.process.pid)
    life.process.communicate()
    life.wait_until_gone()


@processes
def test_a_killed_worker_is_replaced(tmp_path, undisturbed):
    config = write_study(tmp_path, document())
    life = Life(config, tmp_path)
    some_parts(life, tmp_path / "f")
    assert kill(life.workers()[0])
    code, said = life.end()
    assert code == 0
    assert len(said) == 1 and "a worker was killed" in said[0] and "SIGKILL" in said[0]
    life.wait_until_gone()
    same_rows(tmp_path / "f", undisturbed)
    assert os.listdir(tmp_path / "f" / ".work") == []
    events = [json.loads(line) for line in (tmp_path / "f" / "run.log.jsonl").open()]
    assert [e["event"] for e in events if e["event"] != "range"] == ["start", "lost", "end"]


def lethal(task, folder, source):
    os.kill(os.getpid(), signal.SIGKILL)


def exhausting(task, folder, source):
    raise MemoryError


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("fault", [lethal, exhausting])
def test_three_lost_pools_in_a_row_are_enough(tmp_path, monkeypatch, fault):
    one, said = study(GRID, METHODS, 5000), []
    monkeypatch.setattr(persistence, "work", fault)
    with pytest.raises(WorkError, match=r"3 times in a row.*kept.*fewer --jobs"):
        execute(one, ResultsFolder(tmp_path), 2, warn=said.append)
    word = "killed" if fault is lethal else "out of memory"
    assert len(said) == 2 and all(word in line for line in said)
    assert "try 2 of 3" in said[0] and "try 3 of 3" in said[1]
    monkeypatch.undo()
    execute(one, ResultsFolder(tmp_path), 1)
    execute(one, ResultsFolder(tmp_path / "whole"), 1)
    assert rows(tmp_path).equals(rows(tmp_path / "whole"))


def test_out_of_memory_once_is_a_word_and_no_more(tmp_path, monkeypatch):
    one, said, calls = study(GRID, METHODS, 5000), [], []

    def once(task, folder, source):
        calls.append(task)
        if len(calls) == 3:
            raise MemoryError
        return work(task, folder, source)

    monkeypatch.setattr(persistence, "work", once)
    execute(one, ResultsFolder(tmp_path), 1, warn=said.append)
    assert len(said) == 1 and "ran out of memory" in said[0]
    execute(one, ResultsFolder(tmp_path / "whole"), 1)
    assert rows(tmp_path).equals(rows(tmp_path / "whole"))


@processes
@pytest.mark.parametrize(("jobs", "limit"), [(1, 500), (2, 100_000)])
def test_a_full_disk_is_one_line_and_the_same_command_goes_on(tmp_path, undisturbed, jobs, limit):
    """RLIMIT_FSIZE: a write stops in the middle of a file, as on a disk that is full."""
    config = write_study(tmp_path, document())
    life = Life(config, tmp_path, jobs=jobs, limit=limit)
    code, said = life.end()
    assert code == 1 and len(said) == 1
    assert re.search(r"cannot be written: File too large; what is finished is kept", said[0])
    life.wait_until_gone()
    check_folder(tmp_path / "f")
    work_folder = tmp_path / "f" / ".work"
    assert not work_folder.is_dir() or os.listdir(work_folder) == []
    finished(config, tmp_path)
    same_rows(tmp_path / "f", undisturbed)


def test_a_summary_that_does_not_fit_leaves_the_old_one(tmp_path, monkeypatch):
    simstudy.run(SMALL, jobs=1, results=tmp_path, report=False)
    before = (tmp_path / "f" / "summary.parquet").read_bytes()
    replace = os.replace

    def full(source, target):
        if str(target).endswith("summary.parquet"):
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    more = SMALL | {"replications": 60}
    with pytest.raises(WorkError, match=r"summary.parquet: cannot be written: No space"):
        simstudy.run(more, jobs=1, results=tmp_path, report=False)
    assert (tmp_path / "f" / "summary.parquet").read_bytes() == before
    assert os.listdir(tmp_path / "f" / ".work") == []
    monkeypatch.undo()
    found = simstudy.run(more, jobs=1, results=tmp_path, report=False)
    assert found.n_fits == 0 and set(found.summary.n_used) == {60}


def truncated(file):
    file.write_bytes(file.read_bytes()[:-30])


def cut_short(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def emptied(file):
    file.write_bytes(b"")


def flipped(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def with_a_hole(file):
    """What a power loss makes of a file whose size was stored before its content."""
    content = file.read_bytes()
    file.write_bytes(content[:4096] + bytes(4096) + content[8192:])


def with_other_columns(file):
    table = pq.read_table(file)
    pq.write_table(table.rename_columns([f"{name}_" for name in table.column_names]), file)


def by_another_hand(file):
    """The right columns and rows, but nothing says that they are ours."""
    table = pq.read_table(file)
    pq.write_table(table.replace_schema_metadata(None), file)


def with_fewer_rows(file):
    pq.write_table(pq.read_table(file).slice(1), file)


def of_another_scenario(file):
    shutil.copy(sorted(file.parent.glob("*_pooled_*"))[-1], file)


def of_another_seed(file):
    folder = file.parents[2] / "other"
    simstudy.run(SMALL | {"seed": 4}, jobs=1, results=folder, report=False)
    shutil.copy(folder / "f" / "estimates" / file.name, file)


def a_folder(file):
    file.unlink()
    file.mkdir()


FAULTS = [truncated, cut_short, emptied, flipped, with_a_hole, with_other_columns,
          by_another_hand, with_fewer_rows, of_another_seed, a_folder]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_part_that_is_no_longer_ours_is_set_aside_and_computed_again(tmp_path, fault):
    config = write_study(tmp_path, SMALL)
    run = ["run", config, "--results", tmp_path, "--no-report", "--jobs", "1"]
    assert call(*run).code == 0
    folder = tmp_path / "f"
    before = rows(folder)
    summary = (folder / "summary.csv").read_bytes()
    (file,) = (folder / "estimates").iterdir()
    fault(file)
    damaged = None if file.is_dir() else file.read_bytes()
    shown = call("summarize", folder)
    assert shown.code == 1 and file.name in shown.err and "run the study again" in shown.err
    again = call(*run)
    assert again.code == 0
    assert again.err.count("\n") == 1 and file.name in again.err and "set-aside" in again.err
    assert rows(folder).equals(before)
    assert (folder / "summary.csv").read_bytes() == summary
    kept = folder / ".work" / "set-aside" / "estimates" / file.name
    assert damaged is None or kept.read_bytes() == damaged
    assert "nothing is missing" in call(*run).out


def test_a_part_of_another_scenario_is_set_aside_too(tmp_path):
    big = SMALL | {"replications": 9000}
    simstudy.run(big, jobs=1, results=tmp_path, report=False)
    before = rows(tmp_path / "f")
    of_another_scenario(min((tmp_path / "f" / "estimates").glob("*_pooled_*")))
    said = []
    again = simstudy.run(big, jobs=1, results=tmp_path, report=False, warn=said.append)
    assert again.n_fits == 9000 and len(said) == 1 and "holds another scenario" in said[0]
    assert rows(tmp_path / "f").equals(before)


def test_every_broken_part_is_found_in_one_go_and_none_is_overwritten(tmp_path):
    big = SMALL | {"replications": 9000}
    simstudy.run(big, jobs=1, results=tmp_path, report=False)
    before = rows(tmp_path / "f")
    for k in (1, 2):
        for file in sorted((tmp_path / "f" / "estimates").iterdir())[:3]:
            truncated(file)
        said = []
        simstudy.run(big, jobs=1, results=tmp_path, report=False, warn=said.append)
        assert len(said) == 3
        assert rows(tmp_path / "f").equals(before)
        kept = list((tmp_path / "f" / ".work" / "set-aside").rglob("*.parquet"))
        assert len(kept) == 3 * k


def test_what_is_no_part_is_moved_out_of_estimates(tmp_path):
    simstudy.run(SMALL, jobs=1, results=tmp_path, report=False)
    place = tmp_path / "f" / "estimates"
    (place / "notes.txt").write_text("mine")
    (place / "x.parquet").write_bytes(b"PAR1")
    (place / "folder").mkdir()
    said = []
    simstudy.run(SMALL, jobs=1, results=tmp_path, report=False, warn=said.append)
    assert len(said) == 3 and "notes.txt" in said[1] and "is not a part" in said[1]
    check_folder(tmp_path / "f")
    kept = tmp_path / "f" / ".work" / "set-aside" / "estimates"
    assert (kept / "notes.txt").read_text() == "mine"
    assert sorted(os.listdir(kept)) == ["folder", "notes.txt", "x.parquet"]


def test_leftovers_of_dead_processes_are_removed_and_those_of_living_ones_kept(tmp_path):
    simstudy.run(SMALL, jobs=1, results=tmp_path, report=False)
    place = tmp_path / "f" / ".work"
    host = own_name().partition("-")[2]
    dead = next(pid for pid in range(99_999, 0, -1) if not alive(pid))
    for name in (f"{dead}-{host}-1-7", f"{dead}-{host}-run", f"{os.getppid()}-{host}-1-7",
                 f"{dead}-elsewhere-1-7", "mine.txt"):  # fmt: skip
        (place / name).write_bytes(b"half")
    os.utime(place / f"{dead}-elsewhere-1-7", (0, 0))
    simstudy.run(SMALL, jobs=1, results=tmp_path, report=False)
    assert sorted(os.listdir(place)) == sorted([f"{os.getppid()}-{host}-1-7", "mine.txt"])


def test_a_study_yaml_that_a_power_loss_emptied_is_written_again(tmp_path):
    simstudy.run(SMALL, jobs=1, results=tmp_path, report=False)
    file = tmp_path / "f" / "study.yaml"
    good = file.read_bytes()
    file.write_bytes(b"")
    with pytest.raises(UserError, match="seed 3, and this study has seed 4"):
        simstudy.run(SMALL | {"seed": 4}, jobs=1, results=tmp_path, report=False)
    simstudy.run(SMALL, jobs=1, results=tmp_path, report=False)
    assert file.read_bytes() == good


@processes
def test_two_runs_at_once_share_the_work(tmp_path, undisturbed):
    config = write_study(tmp_path, document())
    lives = [Life(config, tmp_path, jobs=1) for _ in range(2)]
    for life in lives:
        assert life.end() == (0, [])
        life.wait_until_gone()
    check_folder(tmp_path / "f")
    same_rows(tmp_path / "f", undisturbed)
    assert os.listdir(tmp_path / "f" / ".work") == []
    events = [json.loads(line) for line in (tmp_path / "f" / "run.log.jsonl").open()]
    made = [event for event in events if event["event"] == "range" and event["new"]]
    ranges = max(event["ranges"] for event in events if event["event"] == "start")
    assert ranges <= len(made) <= 1.5 * ranges  # few ranges, so they meet several times


def test_a_range_that_another_run_made_meanwhile_is_left_as_it_is(tmp_path):
    one = study(GRID, METHODS, 50)
    study_file.prepare(one, ResultsFolder(tmp_path))
    (task,) = plan(one, [])
    assert work(task, ResultsFolder(tmp_path), provenance(one)).new
    stamps = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "estimates").iterdir()}
    assert not work(task, ResultsFolder(tmp_path), provenance(one)).new
    assert stamps == {p.name: p.stat().st_mtime_ns for p in (tmp_path / "estimates").iterdir()}


def marker(folder, pid):
    """What says that a process is running a study."""
    host = own_name().partition("-")[2]
    file = folder / ".work" / f"{pid}-{host}-run"
    file.touch()
    return file


def test_a_run_beside_another_begins_in_a_place_of_its_own(tmp_path, monkeypatch):
    one, order = study(GRID, METHODS, 9000), []

    def noted(task, folder, source):
        order.append((task.pieces[0].id, task.first))
        return work(task, folder, source)

    monkeypatch.setattr(persistence, "work", noted)
    execute(one, ResultsFolder(tmp_path / "alone"), 1)
    alone = list(order)
    order.clear()
    study_file.prepare(one, ResultsFolder(tmp_path / "second"))
    marker(tmp_path / "second", os.getppid())
    execute(one, ResultsFolder(tmp_path / "second"), 1)
    assert sorted(order) == sorted(alone) and len(order) > 2
    assert order != alone
    assert rows(tmp_path / "alone").equals(rows(tmp_path / "second"))


def test_fresh_moves_the_old_results_aside_and_deletes_nothing(tmp_path):
    config = write_study(tmp_path, SMALL)
    run = ["run", config, "--results", tmp_path, "--no-report", "--jobs", "1", "--quiet"]
    assert call(*run).code == 0
    old = {p.name: p.read_bytes() for p in (tmp_path / "f" / "estimates").iterdir()}
    write_study(tmp_path, SMALL | {"seed": 4})
    refused = call(*run)
    assert refused.code == 2 and refused.err.count("\n") == 1
    assert "seed 3" in refused.err and "seed 4" in refused.err and "--fresh" in refused.err
    fresh = call(*run, "--fresh")
    assert fresh.code == 0 and "f.1" in fresh.err
    assert {p.name: p.read_bytes() for p in (tmp_path / "f.1" / "estimates").iterdir()} == old
    assert not rows(tmp_path / "f").equals(rows(tmp_path / "f.1"))
    assert call(*run, "--fresh").code == 0 and (tmp_path / "f.2" / "study.yaml").is_file()


def test_fresh_does_not_pull_a_folder_from_under_a_run(tmp_path):
    simstudy.run(SMALL, jobs=1, results=tmp_path, report=False)
    running = marker(tmp_path / "f", os.getppid())
    with pytest.raises(UserError, match=f"process {os.getppid()} is running"):
        simstudy.run(SMALL, jobs=1, results=tmp_path, report=False, fresh=True)
    assert running.is_file()


def older(monkeypatch):
    """From now on this machine has another numpy than the one that made what is there."""
    changed = {"numpy": "99.0", "cpu": "abacus"}
    monkeypatch.setattr(execute_module, "provenance", lambda s: provenance(s) | changed)


def test_other_versions_with_the_same_bits_go_on_without_a_word(tmp_path, monkeypatch):
    execute(study(GRID, METHODS, 50), ResultsFolder(tmp_path), 1)
    older(monkeypatch)
    said = []
    assert (
        execute(study(GRID, METHODS, 70), ResultsFolder(tmp_path), 1, warn=said.append)
        == 8 * 20 * 3
    )
    assert said == []
    folder = ResultsFolder(tmp_path)
    assert {parts.footer(folder, part)["numpy"] for part in folder.parts()} == {
        np.__version__, "99.0"
    }  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_other_versions_with_other_bits_are_refused(tmp_path, monkeypatch, method):
    from simstudy.runner import same_bits

    execute(study(GRID, METHODS, 50), ResultsFolder(tmp_path), 1)
    before = sorted(os.listdir(tmp_path / "estimates"))
    older(monkeypatch)
    assert (
        execute(study(GRID, METHODS, 50), ResultsFolder(tmp_path), 1) == 0
    )  # nothing would be mixed

    def moved(task):
        (found,) = unmoved(task)
        if task.methods[0].name == method:
            found.std_error[-1] = np.nextafter(found.std_error[-1], 1)
        return [found]

    unmoved = same_bits.run_task
    monkeypatch.setattr(same_bits, "run_task", moved)
    with pytest.raises(UserError, match=rf"numpy .*abacus.* and {method} in scenario.*--fresh"):
        execute(study(GRID, METHODS, 70), ResultsFolder(tmp_path), 1)
    assert sorted(os.listdir(tmp_path / "estimates")) == before
    assert "replications: 50" in (tmp_path / "study.yaml").read_text()


def test_a_broken_part_does_not_pass_for_other_versions(tmp_path, monkeypatch):
    execute(study(GRID, METHODS, 50), ResultsFolder(tmp_path), 1)
    (file,) = (tmp_path / "estimates").iterdir()
    flipped(file)
    older(monkeypatch)
    said = []
    assert (
        execute(study(GRID, METHODS, 70), ResultsFolder(tmp_path), 1, warn=said.append)
        == 8 * 70 * 3
    )
    assert len(said) == 1 and "bytes" in said[0]


@pytest.fixture(scope="module")
def at_once(tmp_path_factory):
    """The rows of a study that was computed in one go by one process."""
    folder = tmp_path_factory.mktemp("at_once")
    execute(study(GRID, METHODS, 9000), ResultsFolder(folder), 1)
    return rows(folder)


@pytest.mark.parametrize(("jobs", "backend"), [(1, "loky"), (2, "loky"), (4, "loky"),
                                               (2, "threads"), (4, "threads")])  # fmt: skip
def test_rows_are_the_same_bits_whatever_does_the_work(tmp_path, at_once, jobs, backend):
    """Through a life: fewer replications, levels and methods first."""
    grid = GRID | {"n_clusters": [3], "icc": [0.1]}
    lives = [
        study(grid, METHODS[:2], 500),
        study(grid, METHODS[:2], BLOCK + 7),
        study(GRID, METHODS[:2], BLOCK + 7),
        study(GRID, METHODS, 9000),
    ]
    for one in lives:
        with backends.opened(backend) as workers:
            execute(one, ResultsFolder(tmp_path / "grown"), jobs, backend=workers)
    grown = rows(tmp_path / "grown")
    assert grown.num_rows == 8 * 9000 * 3 and grown.equals(at_once)


def test_the_run_log_has_a_line_for_every_range(tmp_path):
    one, told = study(GRID, METHODS, 9000), []
    execute(one, ResultsFolder(tmp_path), 1, told.append)
    events = [json.loads(line) for line in (tmp_path / "run.log.jsonl").open()]
    ranges = [event for event in events if event["event"] == "range"]
    assert [events[0]["event"], events[-1]["event"]] == ["start", "end"]
    assert len(ranges) == len(told) - 2 == len(plan(one, [])) == events[0]["ranges"]
    assert sum(r["replications"] * len(r["methods"]) for r in ranges) == 8 * 9000 * 3
    assert {name for r in ranges for name in r["scenarios"]} == {d.id for d in one.designs}
    assert all(r["worker"] == os.getpid() and r["seconds"] > 0 for r in ranges)
    assert {"time", "first", "last", "methods"} <= set(ranges[0])
    assert events[0]["numpy"] == np.__version__ and events[0]["fits"] == 8 * 9000 * 3
    with (tmp_path / "run.log.jsonl").open("a") as log:
        log.write('{"event": "ra')  # what a power loss leaves
    execute(study(GRID, METHODS, 9001), ResultsFolder(tmp_path), 1)
    lines = (tmp_path / "run.log.jsonl").read_text().splitlines()
    assert json.loads(lines[len(events) + 1])["event"] == "start"
    execute(study(GRID, METHODS, 9001), ResultsFolder(tmp_path), 1)
    assert (tmp_path / "run.log.jsonl").read_text().splitlines() == lines  # nothing was done


def test_verbose_says_a_line_for_every_range(tmp_path):
    config = write_study(tmp_path, SMALL | {"replications": 9000})
    found = call("run", config, "--results", tmp_path, "--no-report", "--jobs", 1, "--verbose")
    lines = found.err.splitlines()
    assert found.code == 0 and len(lines) == 8
    assert re.fullmatch(
        r"1/8: replications 1 to 9000 of scenario [0-9a-f]{8}, pooled, dummy, random_intercept: "
        rf"\d+\.\d\d s in process {os.getpid()}",
        lines[0],
    )


def test_a_finished_study_reads_no_row(tmp_path, monkeypatch):
    one = SMALL | {"report": {"figures": ["se_bias"]}}
    first = simstudy.run(one, jobs=1, results=tmp_path)
    stamps = {p: p.stat().st_mtime_ns for p in (tmp_path / "f").rglob("*.*") if p.is_file()}

    def unread(*arguments):
        raise AssertionError("read a part")

    monkeypatch.setattr(parts, "read", unread)
    again = simstudy.run(one, jobs=1, results=tmp_path)
    assert (first.n_fits, again.n_fits) == (8 * 40 * 3, 0)
    assert again.summary.equals(first.summary)
    changed = {p.name for p, stamp in stamps.items() if p.stat().st_mtime_ns != stamp}
    assert changed == set()


@pytest.mark.parametrize("change", ["label", "alpha", "replications", "rows", "figure"])
def test_a_summary_is_made_again_where_something_changed(tmp_path, change):
    content = SMALL | {"report": {"figures": ["se_bias"] if change == "figure" else []}}
    simstudy.run(content, jobs=1, results=tmp_path)
    if change == "label":
        content["methods"] = [{"pooled": {"label": "OLS"}}, *METHODS[1:]]
    if change == "alpha":
        content["alpha"] = 0.1
    if change == "replications":
        content["replications"] = 30
    if change == "rows":
        shutil.rmtree(tmp_path / "f" / "estimates")
    if change == "figure":
        next((tmp_path / "f" / "report").rglob("*.png")).unlink()
    found = simstudy.run(content, jobs=1, results=tmp_path)
    assert found.n_fits == (8 * 40 * 3 if change == "rows" else 0)
    simstudy.run(content, jobs=1, results=tmp_path / "new")
    assert found.summary.equals(simstudy.Results.open(tmp_path / "new" / "f").summary)
    drawn = [sorted(p.name for p in (folder / "f" / "report").rglob("*.*"))
             for folder in (tmp_path, tmp_path / "new")]  # fmt: skip
    assert drawn[0] == drawn[1]
    csv = [(folder / "f" / "report" / "tables" / "rejection_rate.csv").read_bytes()
           for folder in (tmp_path, tmp_path / "new")]  # fmt: skip
    assert csv[0] == csv[1]


def test_after_a_power_loss_the_parts_are_tested_before_the_summary_is_trusted(tmp_path):
    """A hole in a file whose size and time are right, and another start of the machine."""
    simstudy.run(SMALL, jobs=1, results=tmp_path, report=False)
    folder = tmp_path / "f"
    before = rows(folder)
    (file,) = (folder / "estimates").iterdir()
    stamp = file.stat().st_mtime_ns
    with_a_hole(file)
    os.utime(file, ns=(stamp, stamp))
    mark = summary_file.summary_mark(ResultsFolder(folder)) | {"boot": "another"}
    summary_file.write_table(
        ResultsFolder(folder),
        "summary.parquet",
        summary_file.read_summary(ResultsFolder(folder)).table,
        mark,
    )
    said = []
    again = simstudy.run(SMALL, jobs=1, results=tmp_path, report=False, warn=said.append)
    assert again.n_fits == 8 * 40 * 3 and len(said) == 1 and "bytes" in said[0]
    assert rows(folder).equals(before)


def test_a_summary_that_a_power_loss_emptied_is_made_again(tmp_path):
    simstudy.run(SMALL, jobs=1, results=tmp_path, report=False)
    folder = tmp_path / "f"
    whole = (folder / "summary.csv").read_bytes()
    (folder / "summary.csv").write_bytes(b"")
    mark = summary_file.summary_mark(ResultsFolder(folder)) | {"boot": "another"}
    summary_file.write_table(
        ResultsFolder(folder),
        "summary.parquet",
        summary_file.read_summary(ResultsFolder(folder)).table,
        mark,
    )
    simstudy.run(SMALL, jobs=1, results=tmp_path, report=False)
    assert (folder / "summary.csv").read_bytes() == whole


def test_a_measure_of_ones_own_comes_and_goes_with_its_function(tmp_path, monkeypatch):
    def measures(found):
        return {row["measure"]: row["value"] for row in found.summary_table().to_pylist()}

    for value in (1.0, 2.0):
        made = own.record(lambda rows, truth, value=value: (value, 0.1), "mine")
        monkeypatch.setitem(own.REGISTERED, "mine", made)
        assert (
            measures(simstudy.run(SMALL, jobs=1, results=tmp_path, report=False))["mine"] == value
        )
    monkeypatch.undo()
    assert "mine" not in measures(simstudy.run(SMALL, jobs=1, results=tmp_path, report=False))


def test_every_byte_of_a_part_is_in_its_sum(tmp_path):
    execute(study(GRID | {"n_clusters": 3}, ["pooled"], 5), ResultsFolder(tmp_path), 1)
    (part,) = ResultsFolder(tmp_path).parts()
    file = Path(tmp_path / "estimates") / str(part)
    content = file.read_bytes()
    whose = parts.Whose.of(study(GRID, ["pooled"], 5))
    parts.checked(ResultsFolder(tmp_path), part, ("status",), whose)
    for at in range(0, len(content), 7):
        file.write_bytes(content[:at] + bytes([content[at] ^ 64]) + content[at + 1 :])
        with pytest.raises(parts.BrokenPartError):
            parts.checked(ResultsFolder(tmp_path), part, ("status",), whose)
    for end in range(0, len(content), 50):
        file.write_bytes(content[:end])
        with pytest.raises(parts.BrokenPartError):
            parts.checked(ResultsFolder(tmp_path), part, ("status",), whose)


def test_a_finished_report_is_not_drawn_again_and_a_damaged_one_is(tmp_path):
    def files_of(one):
        folder = simstudy.run(one, jobs=1, results=tmp_path, warn=lambda line: None).folder
        return sorted(path for path in (folder / "report").rglob("*") if path.is_file())

    def stamps():
        return [path.stat().st_mtime_ns for path in files]

    without, with_one, with_two = (
        SMALL | {"report": {"figures": figures}}
        for figures in ([], ["type1_error"], ["type1_error", "se_bias"])
    )
    n_damaged = 0
    for one in (without, with_one):  # of the second, only the figure: a drawing takes a second
        files = files_of(one)
        before = stamps()
        simstudy.run(one, jobs=1, results=tmp_path)
        assert stamps() == before
        for gone in files if one is without else [f for f in files if "figures" in f.parts]:
            gone.unlink()
            simstudy.run(one, jobs=1, results=tmp_path)
            assert all(new > old for new, old in zip(stamps(), before, strict=True)), gone
            before = stamps()
            n_damaged += 1
    assert n_damaged > 10
    folder = simstudy.run(with_two, jobs=1, results=tmp_path, warn=lambda line: None).folder
    assert (folder / "report" / "figures" / "se_bias.png").is_file()


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_worker_that_is_lost_while_adding_up_costs_time_alone(tmp_path, monkeypatch):
    simstudy.run(SMALL, jobs=1, results=tmp_path, report=False)
    one = load(SMALL)
    whole = summarize_study(one, ResultsFolder(tmp_path / "f"))

    def lost(self, calls, jobs):
        assert jobs == 2 and list(calls)
        raise LostError("a worker ended")
        yield

    monkeypatch.setattr(summary_parts, "_IN_PROCESS", 0)
    monkeypatch.setattr(loky.Loky, "results", lost)
    assert summarize_study(one, ResultsFolder(tmp_path / "f"), jobs=2).equals(whole)


def test_a_broken_part_comes_home_from_a_worker_as_itself(tmp_path):
    error = pickle.loads(pickle.dumps(parts.BrokenPartError(str(tmp_path / "x"), "is gone")))
    assert (error.file, error.reason) == (str(tmp_path / "x"), "is gone")
    assert str(error).endswith("x: is gone; run the study again, which computes it again")


def test_an_edited_summary_is_written_again(tmp_path):
    simstudy.run(SMALL, jobs=1, results=tmp_path, report=False)
    for name in ("summary.csv", "scenarios.parquet"):
        file = tmp_path / "f" / name
        whole = file.read_bytes()
        file.write_bytes(b"x")
        simstudy.run(SMALL, jobs=1, results=tmp_path, report=False)
        assert file.read_bytes() == whole


def test_a_broken_part_that_was_read_is_computed_again_by_the_next_run(tmp_path):
    """A byte that rots on the disk changes no time of a file; who reads it does."""
    config = write_study(tmp_path, SMALL)
    run = ["run", config, "--results", tmp_path, "--no-report", "--jobs", "1"]
    assert call(*run).code == 0
    before = rows(tmp_path / "f")
    (file,) = (tmp_path / "f" / "estimates").iterdir()
    stamp = file.stat().st_mtime_ns
    with_a_hole(file)
    os.utime(file, ns=(stamp, stamp))
    assert "run the study again" in call("summarize", tmp_path / "f").err
    assert "computed again" in call(*run).err
    assert rows(tmp_path / "f").equals(before)
    assert call("summarize", tmp_path / "f").code == 0


def test_a_report_of_another_title_alpha_or_figure_leaves_nothing_behind(tmp_path):
    figures = {"report": {"figures": ["type1_error", "se_bias"]}}
    more = SMALL | figures | {"alpha": [0.05, 0.01]}
    folder = simstudy.run(more, jobs=1, results=tmp_path, warn=lambda line: None).folder
    own = folder / "report" / "tables" / "mine.csv"
    own.write_text("mine")
    less = SMALL | {"report": {"figures": ["type1_error"]}}
    simstudy.run(less, jobs=1, results=tmp_path, warn=lambda line: None)
    simstudy.run(less, jobs=1, results=tmp_path / "new", warn=lambda line: None)
    names = [
        sorted(str(p.relative_to(place)) for p in place.rglob("*") if p != own)
        for place in (folder / "report", tmp_path / "new" / "f" / "report")
    ]
    assert names[0] == names[1] and own.read_text() == "mine"
    edited = (folder / "study.yaml").read_text().replace("name: f", "name: f\ntitle: Wrong", 1)
    (folder / "study.yaml").write_text(edited.replace("title: ''\n", ""))
    assert call("report", folder).code == 0
    assert "Wrong" in (folder / "report" / "methods.md").read_text()
    simstudy.run(less, jobs=1, results=tmp_path, warn=lambda line: None)
    assert "Wrong" not in (folder / "report" / "methods.md").read_text()


def test_summarize_says_how_much_is_not_there_yet(tmp_path):
    simstudy.run(SMALL, jobs=1, results=tmp_path, report=False)
    assert call("summarize", tmp_path / "f").err == ""
    more = load(SMALL | {"replications": 50})
    study_file.prepare(more, ResultsFolder(tmp_path / "f"))
    said = call("summarize", tmp_path / "f")
    assert said.code == 0 and f"{8 * 3 * 10} fits are not there yet" in said.err


def test_loading_a_results_folder_says_how_it_is_opened(tmp_path):
    found = simstudy.run(SMALL, jobs=1, results=tmp_path, report=False)
    assert repr(found) == f"<Results of study f in {tmp_path / 'f'}>"
    with pytest.raises(UserError, match=r"study\.yaml, Results\.open reads them"):
        simstudy.load(tmp_path / "f")
