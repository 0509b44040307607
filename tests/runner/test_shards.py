"""Shares of a study: dealt by the study alone, so that any order of jobs makes all of it once."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from collections import Counter

import pyarrow.parquet as pq
import pytest
from helpers_cli import assert_refused, call
from helpers_faults import METHODS, OWN, same_rows
from helpers_simulation import study

import simstudy
from simstudy.errors import UserError, WorkError
from simstudy.runner import belongs
from simstudy.runner.cost import rough
from simstudy.runner.plan import names_of, plan
from simstudy.runner.shards import _NUMBERS, asked, n_missing, planned, share_of
from simstudy.store.results_folder import ResultsFolder

GRID = {"n_clusters": [4, 9, 20], "cluster_size": [5, {"poisson": 6.5}, {"uniform": [2, 9]}],
        "icc": [0.0, 0.1, 0.3], "x_icc": [0, 0.5], "slope": 0.2}  # fmt: skip
WORLD = """
import numpy as np
import simstudy


@simstudy.generator(part=512)
def skewed(rng, scenario, rate=1.0):
    cluster = np.repeat(np.arange(scenario.n_clusters), scenario.sizes(rng))
    x = rng.standard_normal(cluster.size)
    return {"cluster": cluster, "x": x, "y": 0.2 * x + rate * rng.exponential(size=cluster.size)}
"""


def world(folder, **options):
    """A grid of data of the user's own."""
    return {"data": {"use": f"{folder}/world.py:skewed"} | options, "n_clusters": [8, 12],
            "cluster_size": 5}  # fmt: skip


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """Packs of scenarios, long ranges and methods in some scenarios; code of the user's own."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "mine.py").write_text(OWN)
    (folder / "world.py").write_text(WORLD)
    some = {"dummy": {"when": "icc > 0"}}
    own = [{"use": f"{folder}/mine.py:shaky"}, {"use": f"{folder}/mine.py:shaky", "label": "b",
                                                 "when": "n_clusters = 9"}]  # fmt: skip
    grids = [GRID, world(folder, rate=[1.0, 2.0])]
    return {
        "packs": study(GRID, ["pooled", "random_intercept"], 700),
        "ranges": study(GRID | {"cluster_size": 5}, ["pooled", some], 300_000),
        "own": study(GRID, ["pooled", some, own[0]], 3000),
        "worlds": study(grids, ["pooled", own[0]], 2000),
    }


@pytest.mark.parametrize("of", [3, 7, 40])
@pytest.mark.parametrize("name", ["packs", "ranges", "own", "worlds"])
def test_shares_are_the_plan_of_a_plain_run_each_part_of_it_once(studies, name, of):
    one = studies[name]
    whole = Counter(part for task in plan(one, []) for part in names_of(task))
    shares = [planned(one, [], share_of(one, f"{k}/{of}")) for k in range(1, of + 1)]
    dealt = Counter(part for tasks in shares for task in tasks for part in names_of(task))
    assert dealt == whole and set(dealt.values()) == {1}
    for kind in {task.kind for task in plan(one, [])}:  # a user's code is dealt by itself
        costs = [rough(task for task in tasks if task.kind == kind) for tasks in shares]
        longest = max(rough([task]) for task in plan(one, []) if task.kind == kind)
        assert max(costs) - min(costs) <= 1.001 * longest * (1 + bool(one.generators))


def test_what_is_there_leaves_a_share_and_moves_no_other(studies):
    one = studies["own"]
    share, tasks = share_of(one, "2/3"), planned(one, [], share_of(one, "2/3"))
    others = [part for k in (1, 3) for task in planned(one, [], share_of(one, f"{k}/3"))
              for part in names_of(task)]  # fmt: skip
    assert planned(one, others, share) == tasks and len(tasks) > 3
    there = [part for task in tasks[1::2] for part in names_of(task)]
    assert planned(one, others + there, share) == tasks[::2]
    assert n_missing(one, there, share) == sum(task.n_fits for task in tasks[::2])
    some = names_of(tasks[0])[:1]  # of a task that was stopped between its parts: the rest of it
    left = sum(task.n_fits for task in planned(one, some, share))
    assert left == n_missing(one, some, share) == asked(one, share)[0] - some[0].n_rows


@pytest.mark.slow
def test_whole_scenarios_are_dealt_where_their_rows_say_how_many_they_have(tmp_path):
    stop = {"mcse": {"rejection_rate": 0.02}, "min": 100, "max": 1600}
    document = DOCUMENT | {"replications": stop}
    plain = simstudy.run(document, jobs=1, results=tmp_path / "plain", report=False)
    scenarios = []
    for shard in ("3/3", "1/3", "2/3"):
        found = simstudy.run(document, jobs=1, results=tmp_path, shard=shard)
        assert asked(found.study, found.share)[0] == found.n_fits > 0
        scenarios += {scenario for scenario, *_ in found.share.spans}
    assert sorted(scenarios) == sorted(design.id for design in plain.study.designs)
    again = simstudy.run(document, jobs=1, results=tmp_path, report=False)
    assert again.n_fits == 0 and again.study.n_fits == plain.n_fits
    same_rows(tmp_path / "f", plain.folder)


def test_shares_never_change(studies):
    """Jobs of one array may run on other machines and versions of Python: golden."""
    told = []
    for name in ("packs", "ranges"):  # own code has digests of its text, which tests may change
        tasks = planned(studies[name], [], share_of(studies[name], "3/7"))
        names = "\n".join(str(part) for task in tasks for part in names_of(task))
        told.append(hashlib.sha256(names.encode()).hexdigest()[:16])
    assert told == ["b6f68327c936a40c", "5fb6700d7fb820d2"]


def test_more_shares_than_there_is_work_for_take_no_room(studies):
    one, many = studies["ranges"], 999_999_999
    shares = [share_of(one, f"{k}/500").spans for k in range(1, 501)]
    tracemalloc.start()
    assert [share_of(one, f"{k}/{many}").spans for k in (1, 2, many)] == [*shares[:2], {}]
    assert tracemalloc.get_traced_memory()[1] < 1 << 27
    tracemalloc.stop()
    assert not shares[-1] and sum(map(bool, shares)) == len(plan(one, []))


def test_the_places_of_a_users_files_deal_nothing(tmp_path):
    dealt = []
    for place in ("here", "elsewhere"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "world.py").write_text(WORLD)
        one = study([world(tmp_path / place), GRID], ["pooled"], 4000)
        dealt.append([part for task in planned(one, [], share_of(one, "1/3"))
                      for part in names_of(task)])  # fmt: skip
    assert dealt[0] == dealt[1]


DOCUMENT = {
    "name": "f",
    "seed": 3,
    "replications": 1030,
    "methods": METHODS[:2],
    "scenarios": {"n_clusters": [20, 30], "cluster_size": [8, {"uniform": [5, 35]}],
                  "icc": [0.0, 0.2], "x_icc": 0.5, "slope": 0.0},
}  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Results of a plain run, with a user's method that fails now and then."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "mine.py").write_text(OWN)
    document = DOCUMENT | {"methods": [*DOCUMENT["methods"], {"use": f"{folder}/mine.py:shaky"}]}
    simstudy.run(document, jobs=1, results=folder, report=False, warn=lambda line: None)
    return document, folder / "f"


def computed(folder):
    """Fits that all runs of a folder computed, by their logs."""
    events = [json.loads(line) for log in folder.glob("run.log*.jsonl")
              for line in log.read_text().splitlines()]  # fmt: skip
    return sum(e["replications"] * len(e["methods"]) for e in events
               if e["event"] == "range" and e["new"])  # fmt: skip


@pytest.mark.slow
def test_shares_in_any_order_and_a_plain_run_after_them(tmp_path, undisturbed):
    document, plain = undisturbed
    shares = ["7/7", "1/3", "3/7", "2/7", "3/3"]
    for shard in shares:
        found = simstudy.run(document, jobs=1, results=tmp_path, shard=shard)
        assert found.n_fits and not found.given_up
        assert not (tmp_path / "f" / "summary.parquet").exists()
        again = simstudy.run(document, jobs=1, results=tmp_path, shard=shard)
        assert again.n_fits == 0 and asked(again.study, again.share)[0] >= found.n_fits
    said = []
    found = simstudy.run(document, jobs=1, results=tmp_path, report=False, warn=said.append)
    assert len(said) == 1 and "fits failed" in said[0]
    same_rows(tmp_path / "f", plain)
    for kind in ("failures", "extras"):
        assert pq.read_table(tmp_path / "f" / kind).num_rows == pq.read_table(plain / kind).num_rows
    assert computed(tmp_path / "f") == found.study.n_fits  # nothing twice
    logs = {path.name for path in (tmp_path / "f").glob("run.log.*of*.jsonl")}
    assert logs == {f"run.log.{shard.replace('/', 'of')}.jsonl" for shard in shares}


def test_a_share_that_is_not_all_there_is_no_success(tmp_path):
    found = simstudy.run(DOCUMENT | {"replications": 20}, jobs=1, results=tmp_path, shard="1/3")
    next((tmp_path / "f" / "estimates").iterdir()).unlink()
    with pytest.raises(WorkError, match="fits are missing"):
        belongs.refuse_incomplete(found.study, ResultsFolder(tmp_path / "f"), 0, found.share)


def test_a_share_on_the_command_line(tmp_path, monkeypatch):
    config = tmp_path / "f.yaml"
    config.write_text(json.dumps(DOCUMENT | {"replications": 20}))
    run = ["run", config, "--results", tmp_path / "results", "--jobs", "1"]
    assert "take away" in assert_refused(call(*run, "--shard", "1/2", "--fresh"))
    assert not (tmp_path / "results").exists()
    for wrong in ("3", "0/2", "3/2", "1/0", "1/-2", "a/2", "1/2/3", "env", ""):
        assert "shard" in assert_refused(call(*run, "--shard", wrong))
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "1")
    ran = call(*run, "--shard", "2/2")  # which is read in no other case
    assert ran.code == 0 and ran.err == "" and "share 2 of 2" in ran.out
    assert ran.out.count("\n") == 1
    assert "share 1 of 2" in call(*run, "--shard", "env/2").out
    ran = call(*run, "--shard", "99/99")
    assert ran.code == 0 and "share 99 of 99 is empty" in ran.out
    assert call(*run, "--shard", "1/2", "--quiet") == (0, "", "")
    assert ", 0 computed now" in call(*run, "--shard", "1/2").out
    assert call(*run, "--no-report").code == 0


@pytest.mark.parametrize(
    ("given", "share", "said"),
    [
        ({}, 0, "none of SLURM_ARRAY_TASK_ID, .* --array=1-5"),
        *(({name: "4"}, 4, "") for name in _NUMBERS),
        ({"SLURM_ARRAY_TASK_ID": "2", "SGE_TASK_ID": "undefined", "PBS_ARRAYID": ""}, 2, ""),
        ({"PBS_ARRAY_INDEX": "2", "PBS_ARRAYID": "2"}, 2, ""),
        ({"SGE_TASK_ID": "undefined"}, 0, "none of"),
        ({"SLURM_ARRAY_TASK_ID": "2", "SGE_TASK_ID": "3"}, 0, "_ID is 2 and SGE_TASK_ID is 3"),
        ({"SLURM_ARRAY_TASK_ID": "0"}, 0, "_ID is 0, .*--array=1-5"),
        ({"SLURM_ARRAY_TASK_ID": "6"}, 0, "_ID is 6, .*from 1 to 5.*--array=1-5"),
        ({"LSB_JOBINDEX": "0"}, 0, r"LSB_JOBINDEX is 0, .*-J 'NAME\[1-5\]'"),
        ({"SGE_TASK_ID": "2 3"}, 0, "SGE_TASK_ID is 2 3, .*-t 1-5"),
    ],
)
def test_the_number_of_a_job_in_its_array(studies, monkeypatch, given, share, said):
    for name in _NUMBERS:
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    one = studies["packs"]
    if share:
        assert share_of(one, "env/5") == share_of(one, f"{share}/5")
    else:
        with pytest.raises(UserError, match=said):
            share_of(one, "env/5")
