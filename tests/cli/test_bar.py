"""How a run is seen while it works."""

from __future__ import annotations

import io
import itertools
import time
from contextlib import redirect_stderr
from pathlib import Path

import numpy as np
from helpers_cli import call
from helpers_own import study, use, written

from simstudy.cli import bar as bar_module
from simstudy.cli.bar import Bar, percent
from simstudy.runner.events import Done, Finished, Started, WentOn
from simstudy.runner.execute import execute
from simstudy.runner.plan import plan
from simstudy.runner.tally import Tally
from simstudy.store.results_folder import ResultsFolder


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError


def told(tasks, n_before=0, n_scenarios=2):
    """Events of these tasks, 3 of each user's method's fits failed."""
    yield Started(ResultsFolder(Path()), tasks, 1, {}, n_before, n_scenarios)
    for task in tasks:
        yield Done(task, 1.0, None if task.shared else np.arange(task.n_fits) < 3)
    yield Finished(sum(task.n_fits for task in tasks), 0, 1.0)


def test_the_bar_is_over_the_whole_study_and_counts_what_was_there(tmp_path):
    one = study(["pooled", use(written(tmp_path).parent, "ols")])
    own = [task for task in plan(one, []) if not task.shared]
    with redirect_stderr(Screen()) as screen:
        bar = Bar()
        for event in told(own, one.n_fits - 140):
            time.sleep(0.11)  # it is drawn ten times a second at most
            bar(event)
    first, *_ = shown = screen.getvalue().replace("\r", "\n").strip().splitlines()
    assert " 50%|" in first and "140/280" in first
    assert "172/280" in shown[1] and "0/2 scenarios, " in shown[1] and " left, 3 failed" in shown[1]
    assert "6 failed" in shown[2]


def test_a_study_that_goes_on_is_larger_than_it_was_thought():
    first, more = (plan(study(["pooled"], n), []) for n in (100, 300))
    tally = Tally()
    tally.hear(Started(ResultsFolder(Path()), first, 1, {}, 0, 2))
    for task in first:
        tally.hear(Done(task, 1.0))
    assert (tally.n_done, tally.n_fits, tally.n_scenarios_done) == (200, 200, 2)
    tally.hear(WentOn(more))
    assert (tally.n_done, tally.n_fits, tally.n_scenarios_done) == (200, 800, 0)
    with redirect_stderr(Screen()) as screen:
        bar = Bar()
        for event in (Started(ResultsFolder(Path()), first, 1, {}, 0, 2), WentOn(more)):
            bar(event)
        time.sleep(0.11)
        bar(Done(first[0], 1.0))
    assert "/800" in screen.getvalue()


def test_what_another_run_made_is_no_speed_of_this_one():
    tally, (task, *_) = Tally(), plan(study(["pooled"], 100), [])
    tally.hear(Started(ResultsFolder(Path()), [task], 1, {}, 0, 2))
    tally.hear(Done(task, 1.0, new=False))
    assert tally.n_done == task.n_fits and tally.rate == 0
    tally.hear(Done(task, 1.0))
    assert tally.rate > 0


def test_without_a_terminal_there_is_a_line_a_minute(tmp_path, monkeypatch):
    one = study(["pooled", use(written(tmp_path).parent, "ols")], replications=160)
    own = [task for task in plan(one, []) if not task.shared]
    clock = itertools.count(step=25)  # seconds from one look at it to the next
    monkeypatch.setattr(bar_module.time, "monotonic", lambda: float(next(clock)))
    with redirect_stderr(io.StringIO()) as said:
        bar = Bar()
        for event in told(own, one.n_fits - 320):
            bar(event)
    lines = said.getvalue().splitlines()
    assert 1 <= len(lines) < len(own) / 2
    assert lines[0].startswith(f"{320 + 3 * own[0].n_fits:,} of 640 fits (")
    for words in (" fits/s, ", "/2 scenarios, ", " left, ", " failed"):
        assert words in lines[0]


def test_a_short_run_says_nothing_without_a_terminal_and_a_quiet_one_never(tmp_path):
    config = tmp_path / "s.yaml"
    config.write_text(
        "name: s\nseed: 1\nreplications: 20\nmethods: [pooled]\n"
        "scenarios: {n_clusters: 4, cluster_size: 3, icc: 0, x_icc: 0, slope: 0}\n"
    )
    ran = call("run", config, "--results", tmp_path, "--no-report", "--jobs", 1)
    assert (ran.code, ran.err) == (0, "")


def test_what_was_there_is_told_when_a_run_starts(tmp_path):
    folder, events = ResultsFolder(tmp_path / "r"), []
    execute(study(["pooled"], 64), folder, 1)
    execute(study(["pooled"], 100), folder, 1, listen=events.append)
    assert (events[0].n_before, events[0].n_fits, events[0].n_scenarios) == (128, 72, 2)


def test_what_is_not_whole_is_never_a_hundred_percent():
    assert percent(999_999, 1_000_000) == "99.9 %"
    assert (percent(1, 1), percent(0, 0), percent(0, 3)) == ("100.0 %", "100.0 %", "0.0 %")
