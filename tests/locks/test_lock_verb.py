"""``lock``, and what plan, run and report then say: from the file to the methods section."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from helpers_cli import ROOT, call

from simstudy.locks.places import of_config
from simstudy.results import Results

STUDY = """\
name: planned
seed: 3
replications: 60
scenarios: {n_clusters: 6, cluster_size: 5, icc: [0, 0.2], x_icc: 1, slope: 0}
methods: [pooled, {use: "own.py:half"}]
report: {figures: []}
"""
OWN = """\
import simstudy


@simstudy.method(grain="clusters")
def half(moments):
    return moments.mean_y.mean(axis=0) / 2, 1.0, 5.0
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study file in this folder, not locked."""
    monkeypatch.chdir(tmp_path)
    Path("own.py").write_text(OWN)
    Path("planned.yaml").write_text(STUDY)
    return Path("planned.yaml")


def run(config: Path, *more: str) -> tuple[list[str], str, str]:
    """What a run says on stderr, on stdout of its lock, and in the methods section."""
    ran = call("run", config, "--jobs", 1, *more)
    assert ran.code == 0
    found = re.search(r"## Preregistration\n\n(.*?)\n\n## ",
                      Path("results/planned/report/methods.md").read_text(), re.DOTALL)  # fmt: skip
    line = next((line for line in ran.out.splitlines() if line.startswith("locked on")), "")
    return ran.err.splitlines(), line, found[1] if found else ""


def test_a_study_that_is_run_as_it_was_locked(config: Path):
    locked = call("lock", config)
    assert locked.code == 0 and "2 scenarios, 2 methods, 240 fits" in locked.out
    lock = of_config(config)
    assert lock is not None and lock.stored == 0 and lock.plan.digest in locked.out
    again = call("lock", config)
    assert again.code == 0 and "was locked on" in again.out and of_config(config) == lock
    said, line, section = run(config)
    head = f"locked on {lock.day} (digest {lock.mark}), before the first result"
    assert (said, line) == ([], f"{head}: no deviation from the plan")
    assert f"was locked on {lock.day}, before its first result. The SHA-256" in section
    assert section.endswith("There were no deviations from the plan.")
    shutil.move("results/planned", "elsewhere")  # another machine: no study file, no lock beside
    Path("own.py").unlink()
    reported = call("report", "elsewhere")
    assert (reported.code, reported.err) == (0, "") and line in reported.out


def test_deviations_are_said_wherever_the_study_is(config: Path):
    call("lock", config)
    Path("own.py").write_text(OWN.replace("/ 2", "/ 3"))
    config.write_text(STUDY.replace("seed: 3", "seed: 4"))
    planned = call("plan", config)
    said, line, section = run(config, "--quiet", "--replications", "20")
    lock = of_config(config)
    assert lock is not None
    told = [one.removeprefix(f"deviates from the lock of {lock.day}: ") for one in said]
    assert told[:2] == ["seed 4 instead of 3",
                        "replications 20 instead of 60: fewer than planned"]  # fmt: skip
    assert re.fullmatch(r"the file of half has changed: half\[.*\] instead of half\[.*\]", told[2])
    assert len(told) == 3 and line == ""  # quiet
    assert [one for one in planned.err.splitlines() if "lock" in one] == [said[0], said[2]]
    assert re.findall(r"(?m)^- (.*)\.$", section.replace("\\", "")) == told
    reported = call("report", "results/planned")
    assert reported.err.splitlines() == said and "3 deviations from the plan" in reported.out
    refused = call("lock", config)
    assert refused.code == 2 and "seed 4 instead of 3" in refused.err and of_config(config) == lock
    anew = call("lock", config, "--fresh")
    assert anew.code == 0 and Path("planned.lock.1.yaml").is_file()
    found = of_config(config)  # the lock says what was stored, whatever its date may say
    assert found is not None and found.stored == 80
    said, line, section = run(config)
    assert said == [f"the lock of {found.day} was written when 80 fits were stored already"]
    assert "when 80 fits of it were stored already" in section and "after the first" in line
    assert len(list(Path("results/planned/.work/set-aside").rglob("study.lock.yaml"))) == 1


@pytest.mark.parametrize(("log", "first"), [("as it is", True), ("earlier", False), ("gone", None)])
def test_which_was_first_is_known_from_the_log(config: Path, log: str, first: bool | None):
    call("lock", config)
    call("run", config, "--jobs", 1, "--no-report")
    file = Path("results/planned/run.log.jsonl")
    if log == "gone":
        file.unlink()
    elif log == "earlier":
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        for line in lines:
            line["time"] = datetime(2020, 1, 2, tzinfo=UTC).isoformat()
        file.write_text("".join(json.dumps(line) + "\n" for line in [*lines, [], {"event": 1}]))
    standing = Results.open("results/planned").standing
    assert standing is not None and standing.first is first
    warned = "was written when the first results (of 2 January 2020) were stored already"
    expected = [f"the lock of {standing.lock.day} {warned}"] if first is False else []
    assert standing.warnings == expected


def test_results_that_are_not_there_deviate(config: Path):
    call("lock", config)
    call("run", config, "--jobs", 1, "--no-report")
    next(Path("results/planned/estimates").glob("*pooled*")).unlink()
    standing = Results.open("results/planned").standing
    assert standing is not None
    assert standing.deviations == ("120 of 240 fits are not computed",)


def test_merged_results_keep_the_lock(config: Path):
    call("lock", config)
    call("run", config, "--jobs", 1, "--no-report")
    shutil.copytree("results/planned", "other/planned")
    assert call("merge", "results/planned", "other/planned", "--into", "all/planned").err == ""
    standing = Results.open("all/planned").standing
    assert standing is not None and standing.lock == of_config(config)
    assert standing.first is None  # logs are not merged


def test_the_page_says_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "preregistration.md").read_text()
    text = STUDY.replace("name: planned", "name: icc").replace("60", "2000")
    text = text.replace('{use: "own.py:half"}', "pooled: {se: CR1, label: robust}")
    Path("icc.yaml").write_text(text)
    lock, *others, compare = re.findall(r"(?m)^    python -m simstudy (.*)$", page)
    assert call(*lock.split()).code == 0
    changed = text.replace("CR1", "CR2").replace("2000", "500").replace("0.2]", "0.2, 0.3]")
    Path("icc.yaml").write_text(changed)
    said = [call(*line.split()) for line in others]
    assert [one.code for one in said] == [0, 0, 0]
    shutil.copytree("results/icc", "elsewhere/icc")
    assert call(*compare.split()).code == 0
    page = page.replace("4 scenarios were", "1 scenario was")
    shown = re.findall(r"(?m)^    (deviates .*)$", page)
    found = of_config("icc.yaml")
    assert found is not None and len(shown) == 4
    for one in said:
        assert {line.replace("27 November 2026", found.day) for line in shown[:3]} == {
            line for line in one.err.splitlines() if "lock" in line
        }
