"""Stop by precision: where a scenario stops, from plain rows by longhand, whoever ran it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers_cli import call

from simstudy.measures.catalog import MEASURES
from simstudy.results import Results, run
from simstudy.runner import execute as execute_module
from simstudy.runner.events import Done, WentOn
from simstudy.runner.execute import execute
from simstudy.store import names, parts
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.study import load
from simstudy.summary.add_up import measured
from simstudy.summary.cells import StudyCells
from simstudy.summary.looks import Looks
from simstudy.summary.stopping import settled
from simstudy.summary.study import stored_rows

pytestmark = pytest.mark.slow

GRID = {"n_clusters": [4, 12], "cluster_size": 5, "icc": 0.3, "x_icc": 1, "slope": [0, 0.5]}
ICC = {"random_intercept": {"estimand": "icc", "label": "ICC"}}
RULES = {
    "two": {"mcse": {"rejection_rate": 0.01, "bias": 0.012}, "min": 300, "max": 6000},
    "power": {"mcse": {"power": 0.015, "type1_error": 0.008}, "min": 500, "max": 7000},
    "spread": {"mcse": {"empirical_se": 0.006, "coverage": 0.012}, "min": 1000, "max": 3000},
    "few": {"mcse": {"rejection_rate": 0.1}, "min": 100, "max": 1000},
}
VALUES = {"power": "rejection_rate", "type1_error": "rejection_rate"}


LIMITED = """\
import numpy as np
import simstudy


@simstudy.method
def limited(data):
    few = len(np.unique(data.cluster)) == 4
    estimate = np.polyfit(data.x, data.y, 1)[0]
    limits = {"ci_low": estimate - 0.3, "ci_high": estimate + 0.3} if few else {}
    return {"estimate": estimate, "std_error": 0.2} | limits

"""


def study(rule, **more):
    methods = ["pooled", "random_intercept", ICC]
    return {"name": "s", "seed": 11, "replications": rule, "alpha": [0.05, 0.01],
            "scenarios": GRID, "methods": methods} | more  # fmt: skip


def longhand(found, targets, least, most):
    """Replications of each scenario, and the measures at their targets last, from plain rows."""
    rows = found.estimates.to_table().to_pandas()
    stops = {}
    for design in found.study.designs:
        of = rows[rows.scenario == design.id].sort_values("replication")
        slope = design.scenario.slope
        n = least
        while True:
            errors = list(errors_of(of[of.replication <= n], slope, found.study.alpha))
            ratios = [
                (mcse / targets[asked], asked)
                for measure, mcse in errors
                for asked in targets
                if VALUES.get(asked, asked) == measure
                and (asked == "power") <= (slope != 0)
                and (asked == "type1_error") <= (slope == 0)
            ]
            worst = max(ratios, default=(0.0, "min"))
            if worst[0] <= 1 or n == most:
                stops[design.id] = n, worst[1] if worst[0] <= 1 else "max"
                break
            n = min(2 * n, most)
    return stops


def errors_of(rows, slope, alphas):
    """(measure, Monte Carlo SE) of every method with an estimate; the truth of the ICC aside."""
    from scipy import stats

    for method, of in rows.groupby("method", observed=True):
        used = of[of.status.isin(["ok", "boundary"])]
        n, t, s = len(used), used.estimate.to_numpy(), used.std_error.to_numpy()
        if n == 0:
            continue
        yield "bias", t.std(ddof=1) / np.sqrt(n)
        square = t.var(ddof=1)
        yield "empirical_se", np.sqrt(np.mean(((t - t.mean()) ** 2 - square) ** 2) / n / square) / 2
        if "icc" in method:
            continue
        for alpha in alphas:
            yield "rejection_rate", of_rate(used.p_value.to_numpy() < alpha)
            wide = stats.t.ppf(1 - alpha / 2, used.df.to_numpy()) * s
            yield "coverage", of_rate(np.abs(t - slope) <= wide)


def of_rate(hits):
    """sqrt(p (1 - p) / n); where that is 0, half of Wilson's interval over 1.96."""
    n, p, z = hits.size, hits.mean(), 1.959963984540054
    if 0 < p < 1:
        return np.sqrt(p * (1 - p) / n)
    return z / (n + z * z) / 2


def told(folder):
    """Scenario -> replications and why, as the results folder says."""
    table = pq.read_table(folder / "scenarios.parquet").to_pydict()
    rows = zip(table["scenario"], table["replications"], table["stopped_by"], strict=True)
    return {scenario: (n, by.partition(" of ")[0]) for scenario, n, by in rows}


def summary(folder):
    return pq.read_table(folder / "summary.parquet")


@pytest.mark.parametrize("name", RULES)
def test_scenarios_stop_where_their_rows_say(tmp_path, name, monkeypatch):
    rule = RULES[name]
    lines: list[str] = []
    found = run(study(rule), results=tmp_path, jobs=1, report=False, warn=lines.append)
    expected = longhand(found, rule["mcse"], rule["min"], rule["max"])
    assert told(found.folder) == expected
    numbers = [n for n, _ in expected.values()]
    held = found.estimates.to_table().to_pandas().groupby(["scenario", "method"], observed=True)
    assert {s: len(of) for (s, _), of in held} == {s: n for s, (n, _) in expected.items()}
    short = [n for n, by in expected.values() if by == "max"]
    said = f"{len(short)} of 4 scenarios are not at their targets with max ({rule['max']:,})"
    assert [line.partition(" replications:")[0] for line in lines] == [said] * bool(short)
    assert len(set(numbers)) > 1 or name in ("few", "spread")
    assert found.n_missing == 0 and found.n_fits == 3 * sum(numbers)
    # who reads the folder later decides the same, and nothing is computed again
    place = ResultsFolder(found.folder)
    with monkeypatch.context() as patch:
        patch.setattr("simstudy.summary.stopping.kept_stops", lambda study, folder: {})
        again = settled(place.study(), place)
    monkeypatch.setattr("simstudy.summary.stopping.farthest", None)  # the summary's word is enough
    assert Results.open(found.folder).study.stops == again.stops == found.study.stops
    assert run(study(rule), results=tmp_path, jobs=1, report=False, warn=[].append).n_fits == 0


def test_workers_interruptions_and_stores_change_nothing(tmp_path, object_store):
    rule = RULES["two"]
    one = run(study(rule), results=tmp_path / "1", jobs=1, report=False)
    two = run(study(rule), results=tmp_path / "2", jobs=2, report=False)
    for share in ("2/3", "1/3", "3/3"):
        part = run(study(rule), results=tmp_path / "4", jobs=1, shard=share)
        assert part.n_fits < one.n_fits
    shared = run(study(rule), results=tmp_path / "4", jobs=1, report=False)
    assert shared.n_fits == 0
    away = run(study(rule), results=object_store.uri("precision"), jobs=1, report=False)
    again = Results.open(object_store.uri("precision/s"))
    assert again.study.stops == away.study.stops == one.study.stops
    assert away.summary_table().equals(one.summary_table())
    n_done = 0

    def interrupt(event):
        nonlocal n_done
        n_done += isinstance(event, Done)
        if n_done in (2, 5, 9) or (isinstance(event, WentOn) and n_done > 3):
            raise KeyboardInterrupt

    for _ in range(12):
        try:
            stopped = run(
                study(rule), results=tmp_path / "3", jobs=1, report=False, listen=interrupt
            )
            break
        except KeyboardInterrupt:
            n_done += 1
    for other in (two, stopped, shared):
        assert other.study.stops == one.study.stops
        assert summary(other.folder).equals(summary(one.folder))


def test_a_study_that_was_killed_goes_on_to_the_same_end(tmp_path):
    rule = RULES["two"] | {"max": 20_000, "mcse": {"rejection_rate": 0.006}}
    whole = run(study(rule), results=tmp_path / "whole", jobs=1, report=False)
    file = tmp_path / "s.yaml"
    file.write_text(json.dumps(study(rule)))
    command = [sys.executable, "-m", "simstudy", "run", str(file), "--results", str(tmp_path / "r"),
               "--no-report", "--quiet", "--jobs", "2"]  # fmt: skip
    process = subprocess.Popen(command, start_new_session=True)
    place = tmp_path / "r" / "s" / "estimates"
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        parts = [names.parse(name) for name in (os.listdir(place) if place.is_dir() else ())]
        if any(part.first > 600 for part in parts if part):
            break
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    found = Results.open(tmp_path / "r" / "s")
    assert found.n_missing  # of what it knows by now to be wanted
    assert call("run", str(file), "--results", str(tmp_path / "r"), "--no-report").code == 0
    again = Results.open(tmp_path / "r" / "s")
    assert again.study.stops == whole.study.stops
    assert summary(again.folder).equals(summary(whole.folder))
    assert told(again.folder) == longhand(again, rule["mcse"], rule["min"], rule["max"])


def test_what_is_stored_beyond_a_target_is_not_used(tmp_path):
    tight, loose = RULES["two"], RULES["two"] | {"mcse": {"rejection_rate": 0.02, "bias": 0.02}}
    first = run(study(tight), results=tmp_path, jobs=1, report=False)
    fresh = run(study(loose), results=tmp_path / "fresh", jobs=1, report=False)
    lines: list[str] = []
    again = run(study(loose), results=tmp_path, jobs=1, report=False, warn=lines.append)
    assert again.n_fits == 0 and again.n_missing == 0
    assert len(lines) == 1 and "are stored of 4 scenarios than they stop at" in lines[0]
    assert sum(s.n_reps for s in again.study.stops.values()) < sum(
        s.n_reps for s in first.study.stops.values()
    )
    assert summary(again.folder).equals(summary(fresh.folder))
    fixed = run(study(tight), results=tmp_path, jobs=1, report=False, replications=700,
                warn=lines.append)  # fmt: skip
    assert fixed.study.precision is None and fixed.n_missing == 0
    assert Results.open(fixed.folder).study.replications == 700
    assert "replications" not in pq.read_table(fixed.folder / "scenarios.parquet").column_names
    plain = run(study(700), results=tmp_path / "plain", jobs=1, report=False)
    assert summary(fixed.folder).equals(summary(plain.folder))


# edges

OWN = """\
import numpy as np
import simstudy


@simstudy.method(part=50)
def shaky(data):
    if len(np.unique(data.cluster)) == 12:
        raise ValueError("too many")
    return {"estimate": 1.0, "std_error": 1.0}

"""


def test_limits_of_one_scenario_decide_none_of_another(tmp_path):
    """Whichever scenarios are looked at together, as in a share or in a round."""
    (tmp_path / "own.py").write_text(LIMITED)
    rule = {"mcse": {"coverage": 0.03}, "min": 100, "max": 1600}
    own = [{"use": f"{tmp_path}/own.py:limited"}]
    found = run(study(rule, methods=own), results=tmp_path, jobs=1, report=False)
    one, place = replace(found.study, stops={}), ResultsFolder(found.folder)
    (found.folder / "summary.parquet").unlink()
    for design in one.designs:
        alone = settled(replace(one, designs=(design,)), place).stops[design.id]
        assert alone == found.study.stops[design.id]
    coverages = found.summary.query("measure == 'coverage' and alpha == 0.05")
    assert set(coverages.scenario) == {design.id for design in one.designs}


def test_a_rate_of_0_is_no_precision(tmp_path):
    """Of 64 replications that all reject half of Wilson's interval over 1.96 is 0.01445."""
    grid = {"n_clusters": 12, "cluster_size": 5, "icc": 0, "x_icc": 0, "slope": 3}
    rule = {"mcse": {"coverage": 0.4, "rejection_rate": 0.0145}, "min": 32, "max": 500}
    found = run(study(rule, scenarios=grid, methods=["pooled"], alpha=0.05),
                results=tmp_path, jobs=1, report=False)  # fmt: skip
    (stop,) = found.study.stops.values()
    assert stop == (64, "rejection_rate of pooled at alpha 0.05")
    rates = found.summary.set_index("measure").loc["rejection_rate"]
    assert (rates.value, rates.mcse) == (1.0, 0.0)


def test_methods_without_a_measure_hold_nothing(tmp_path):
    """Not estimable, not asked for, without a test: the others decide, or nobody does."""
    grid = {"n_clusters": [4, 12], "cluster_size": 5, "icc": 0.3, "x_icc": 1, "slope": 0}
    methods = ["dummy", ICC, {"pooled": {"when": "n_clusters == 12"}}]
    rule = {"mcse": {"rejection_rate": 0.02}, "min": 100, "max": 1000}
    found = run(study(rule, scenarios=grid, methods=methods), results=tmp_path, jobs=1,
                report=False)  # fmt: skip
    few, many = found.study.stops.values()
    assert few == (100, "min")
    assert many == (400, "rejection_rate of pooled at alpha 0.05") or many.n_reps in (200, 800)
    assert told(found.folder) == longhand(found, rule["mcse"], 100, 1000)


def test_scenarios_of_what_is_given_up_wait_and_others_go_on(tmp_path):
    (tmp_path / "mine.py").write_text(OWN)
    grid = {"n_clusters": [4, 12], "cluster_size": 5, "icc": 0.3, "x_icc": 1, "slope": 0}
    methods = ["pooled", {"use": f"{tmp_path / 'mine.py'}:shaky"}]
    rule = {"mcse": {"bias": 0.04, "share_failed": 0.2}, "min": 200, "max": 800}
    one = study(rule, scenarios=grid, methods=methods)
    events: list[object] = []
    found = run(one, results=tmp_path, jobs=1, report=False, give_up=60, warn=[].append,
                listen=events.append)  # fmt: skip
    few, many = found.study.stops.values()
    assert few.by.startswith("bias of ") and few.n_reps == 400
    assert many == (200, "")
    assert found.n_missing > 0 and len(found.given_up) == 1
    assert sum(isinstance(event, WentOn) for event in events) == int(np.log2(few.n_reps / 200))
    table = pq.read_table(found.folder / "scenarios.parquet").to_pydict()
    assert table["stopped_by"][1] is None and table["replications"][1] == 200
    whole = run(one, results=tmp_path, jobs=1, report=False, give_up=0, warn=[].append)
    assert not whole.n_missing and whole.study.stops[found.study.designs[0].id] == few


def test_totals_decide_as_rows_do(tmp_path):
    """Whole blocks and others; what needs rows aside, the summary is the same to the last bit."""
    rule = RULES["two"] | {"min": 2048, "max": 7000, "mcse": {"rejection_rate": 0.0075}}
    rows, totals = (
        run(study(rule, store=store), results=tmp_path / store, jobs=1, report=False,
            warn=[].append) for store in ("rows", "summary")
    )  # fmt: skip
    assert totals.study.stops == rows.study.stops
    assert {stop.n_reps for stop in rows.study.stops.values()} == {4096, 7000}
    both = [found.summary.set_index(["scenario", "method", "measure", "alpha"])
            for found in (rows, totals)]  # fmt: skip
    assert len(both[1]) > 0.9 * len(both[0])
    assert both[0].loc[both[1].index].equals(both[1])


@pytest.mark.parametrize("steps", [(4096, 8192, 11_000), (1000, 5000, 11_000)], ids=str)
def test_what_was_looked_at_is_not_read_again(tmp_path, steps, monkeypatch):
    """And the numbers are those of all rows read at once, to the last bit."""
    grid = GRID | {"n_clusters": 6}
    one = load(study(11_000, scenarios=grid, reference="pooled"))
    place = ResultsFolder(tmp_path)
    for n_reps in steps:  # parts end where scenarios were looked at
        execute(one.fixed(n_reps), place, 1)
    seen: list[int] = []
    read = parts.read
    monkeypatch.setattr(parts, "read", lambda folder, part, *more: (
        seen.append(part.first), read(folder, part, *more))[1])  # fmt: skip
    measures = [measure for measure in MEASURES.values() if not measure.needs & {"rows", "mean"}]
    looks, first = Looks(), []
    for n_reps in steps:
        now = one.fixed(n_reps)
        source = stored_rows(now, place, StudyCells(now), compare=True)
        (_, whole), seen[:] = measured(source, measures, "robust", print), []
        remembering = looks.remembering(now, source, 1)
        _, again = measured(remembering, measures, "robust", print)
        first.append(min(seen))
        for ours, theirs in zip(again, whole, strict=True):
            for some, others in zip(ours[2:5], theirs[2:5], strict=True):
                assert np.array_equal(some, others, equal_nan=True), (n_reps, ours.measure)
    assert first == ([1, 4097, 8193] if steps[0] == 4096 else [1, 1, 1001])


def test_a_round_that_another_run_did_meanwhile_is_not_the_end(tmp_path, monkeypatch):
    """Between the look that says a scenario goes on and the listing of what is missing of it."""
    rule = RULES["two"]
    alone = run(study(rule), results=tmp_path / "a", jobs=1, report=False)
    place = ResultsFolder(tmp_path / "b" / "s")
    planned, others = execute_module.planned, iter((True, False))

    def late(now, held, share):
        if now.stops and max(s.n_reps for s in now.stops.values()) > 300 and next(others, False):
            execute(now.fixed(600), place, 1)
            held = place.held()
        return planned(now, held, share)

    with monkeypatch.context() as patch:
        patch.setattr(execute_module, "planned", late)
        found = run(study(rule), results=tmp_path / "b", jobs=1, report=False, warn=[].append)
    assert found.study.stops == alone.study.stops
    assert summary(found.folder).equals(summary(alone.folder))
