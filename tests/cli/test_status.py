"""What is there of a study, as a folder alone says it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from helpers_cli import assert_refused, call, environment

from simstudy.results import Results
from simstudy.runner.outlook import Outlook
from simstudy.store import parts
from simstudy.store.results_folder import SUMMARY, ResultsFolder
from simstudy.store.summary_file import read_summary, write_table
from simstudy.summary.current import kept_stops

CONFIG = """\
name: st
seed: 3
replications: 100
scenarios: {n_clusters: [4, 6], cluster_size: 3, icc: [0, 0.1], x_icc: 0, slope: 0}
methods: [pooled, dummy]
"""


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A finished study, `results/st`."""
    monkeypatch.chdir(tmp_path)
    Path("st.yaml").write_text(CONFIG)
    assert call("run", "st.yaml", "--no-report", "--quiet", "--jobs", 1).code == 0
    return tmp_path / "results" / "st"


def grow(more: str = "replications: 150") -> None:
    """Ask for more than is there, as a run does that is stopped at once."""
    text = CONFIG.replace("replications: 100", more)
    Path("st.yaml").write_text(text)
    document = Path("results/st/study.yaml")
    document.write_text(document.read_text().replace("replications: 100", more))


def test_a_complete_study_is_said_to_be_and_exits_0(here):
    ran = call("status", "results/st")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0] == (
        "results/st: 800 of 800 fits are there (100.0 %), 4 of 4 scenarios are complete"
    )
    assert lines[2:] == [
        "method  there  asked  missing  broken",
        "pooled    400    400        0       0",
        "dummy     400    400        0       0",
    ]
    (here / "summary.parquet").unlink()
    ran = call("status", "results/st")
    assert ran.code == 0 and ran.out.splitlines()[-1].startswith("not summarized yet: ")


def test_what_is_missing_is_said_by_method_and_scenario_and_exits_3(here):
    grow()
    ran = call("status", "results/st")
    assert ran.code == 3
    assert ran.err == (
        "results/st: is not complete; run its study file again, which computes what is missing\n"
    )
    lines = ran.out.splitlines()
    assert lines[0].startswith("results/st: 800 of 1,200 fits are there (66.7 %), 0 of 4 scenarios")
    assert "pooled    400    600      200       0" in lines
    head = lines.index("scenario  n_clusters  icc  pooled   dummy")
    assert len(lines) == head + 5 and lines[head + 4].endswith("66.7 %  66.7 %")
    assert call("run", "st.yaml", "--no-report", "--quiet").code == 0
    assert call("status", "results/st").code == 0


def test_a_truncated_part_is_found_unless_names_are_trusted(here):
    part = min((here / "estimates").iterdir())
    part.write_bytes(part.read_bytes()[:-100])
    ran = call("status", "results/st", "--json")
    assert ran.code == 3
    said = json.loads(ran.out)
    assert (said["complete"], said["asked"], said["there"]) == (False, 800, 0)
    assert said["broken"] == said["missing"] == 800
    assert [each["part"] for each in said["broken_parts"]] == [part.name]
    assert len(said["cells"]) == 8 and {each["asked"] for each in said["cells"]} == {100}
    text = call("status", "results/st").out
    assert (
        "1 part is broken" in text and f"broken: {Path('results/st/estimates') / part.name}" in text
    )
    assert call("status", "results/st", "--quick").code == 0
    assert call("run", "st.yaml", "--no-report", "--quiet").code == 0
    assert call("status", "results/st").code == 0


@pytest.fixture
def precise(here) -> Path:
    """The same with scenarios that stop by precision, without what its summary says of them."""
    rule = "replications: {mcse: {rejection_rate: 0.01}, min: 100, max: 200}"
    Path("st.yaml").write_text(CONFIG.replace("replications: 100", rule))
    assert call("run", "st.yaml", "--no-report", "--quiet", "--jobs", 1).code == 0
    (here / "summary.parquet").unlink()
    return here


@pytest.mark.parametrize("more", [[], ["--quick"]])
def test_rows_that_say_when_a_scenario_stops_may_be_broken(precise, more):
    assert call("status", "results/st", *more).code == 0
    part = max((precise / "estimates").iterdir())
    part.write_bytes(part.read_bytes()[:-100])
    ran = call("status", "results/st", *more)
    assert ran.code == 3 and "1 part is broken" in ran.out


def test_a_part_that_was_moved_after_it_was_listed_ends_no_look(precise, monkeypatch):
    read = parts.read

    def moved(folder, part, *more):
        (precise / "estimates" / str(part)).unlink()
        return read(folder, part, *more)

    monkeypatch.setattr(parts, "read", moved)
    assert call("status", "results/st", "--quick").code == 3


def test_a_mark_of_a_summary_decides_no_number(precise):
    folder, study = ResultsFolder(precise), ResultsFolder(precise).study()
    found = Results.open(precise)
    found.write_summary()
    table, mark = read_summary(folder).table, dict(read_summary(folder).mark)
    assert kept_stops(study, folder) == found.study.stops
    for number in (150, 400, 0, float("inf"), float("nan"), 10**400):
        stops = dict.fromkeys(found.study.stops, (number, "a hand"))
        write_table(folder, SUMMARY, table, mark | {"stops": stops})
        assert kept_stops(study, folder) == {}
        assert call("status", "results/st").code == 0


def test_a_folder_of_another_seed_is_refused_before_its_rows_are_read(precise):
    text = Path("st.yaml").read_text().replace("seed: 3", "seed: 4")
    Path("st.yaml").write_text(text)
    ran = call("plan", "st.yaml")
    assert ran.code == 2 and "holds results of seed 3, and this study has seed 4" in ran.err


def test_one_document_is_no_watch(here):
    assert "--watch" in assert_refused(call("status", "results/st", "--watch", "--json"))


def test_what_is_no_results_folder_is_refused(here):
    assert "no such folder" in assert_refused(call("status", "results/none"))
    assert "no study.yaml here" in assert_refused(call("status", "results"))
    assert call("status", "results/st", "--follow").code == 2


def test_a_watch_ends_when_the_study_is_complete(here, monkeypatch):
    grow()
    monkeypatch.setattr("simstudy.cli.status.MINUTE", 0.2)
    run = threading.Timer(
        0.5, lambda: subprocess.run(
            [sys.executable, "-m", "simstudy", "run", "st.yaml", "--no-report", "--quiet"],
            check=True, env=environment(),
        ),
    )  # fmt: skip
    run.start()
    ran = call("status", "results/st", "--watch")
    run.join()
    assert (ran.code, ran.err) == (0, "")
    first, *_, last = ran.out.splitlines()
    assert first.startswith("results/st: 800 of 1,200 fits are there (66.7 %)")
    assert last == "dummy     600    600        0       0"


def test_a_watch_is_ended_by_ctrl_c(here):
    grow()
    command = [sys.executable, "-m", "simstudy", "status", str(here), "--watch"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's & ignores it
    ) as watch:  # fmt: skip
        assert "800 of 1,200 fits are there" in watch.stdout.readline()
        watch.send_signal(signal.SIGINT)
        assert watch.wait(30) == 130


def test_time_left_comes_from_the_logs_of_all_shards(here):
    grow()
    folder, study = ResultsFolder(here), ResultsFolder(here).study()
    (here / "run.log.jsonl").unlink()
    assert Outlook(study, folder).speed(study, folder.parts()) is None

    def entry(event: str, **said) -> str:
        when = datetime.fromtimestamp(time.time(), UTC).isoformat()
        return json.dumps({"event": event, "time": when, "pid": 1} | said) + "\n"

    done = {"first": 1, "last": 50, "replications": 50, "scenarios": [study.designs[0].id],
            "methods": ["pooled", "dummy"], "seconds": 100.0, "new": True}  # fmt: skip
    for shard in (1, 2):
        (here / f"run.log.{shard}of2.jsonl").write_text(
            entry("start") + "not JSON\n[]\n" + entry("range", **done | {"scenarios": ["no"]})
            + entry("range", **done | {"replications": 10**400})
            + entry("range", **done | {"replications": float("inf")})
            + entry("range", **done) + '{"event": "ra'
        )  # fmt: skip
    outlook = Outlook(study, folder)
    speed = outlook.speed(study, folder.parts())
    assert speed.rate == pytest.approx(2.0, rel=0.02)  # of two workers
    assert speed.seconds_left == pytest.approx(200, rel=0.02)  # 400 fits, a second each
    for shard in (1, 2):
        with (here / f"run.log.{shard}of2.jsonl").open("a") as log:
            log.write("\n" + entry("end"))
    assert outlook.speed(study, folder.parts()) is None
