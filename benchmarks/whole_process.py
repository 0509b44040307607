"""Rows e, f, h, s: whole processes from start to end: jobs, memory, start-up."""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from measure import SIMSTUDY, Child, Row, against, benchmark, child, cores
from studies import UNIFORM, study

CONFIGS = Path(__file__).resolve().parents[1] / "configs"


def _run(jobs: int, replications: int, fields: dict[str, Any], **top: Any) -> Child:
    """Do ``run --no-report`` on a study file, into a results folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "benchmark.yaml"
        config.write_text(json.dumps(study(replications, fields, **top)), encoding="utf-8")
        options = ["--no-report", "--jobs", str(jobs), "--results", folder]
        return child([*SIMSTUDY, "run", str(config), *options])


def _seconds(jobs: int, replications: int, fields: dict[str, Any], **top: Any) -> float:
    return _run(jobs, replications, fields, **top).seconds


def _beside(replications: int, fields: dict[str, Any]) -> float:
    """Seconds of two processes of half the replications each, at once."""
    start = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(lambda _: _seconds(1, replications // 2, fields), range(2)):
            pass
    return time.perf_counter() - start


@benchmark("e", "one job over two", in_quick=False)
def jobs(quick: bool) -> Iterator[Row]:
    """Speed-up of a whole process by a second worker, and that of two processes side by side."""
    if cores() < 2:
        yield Row("two jobs", "not run: one core")
        return
    designs = [
        ("n = 20", {}, 10_000_000),
        ("sizes drawn anew in 5..35", UNIFORM, 1_500_000),
    ]
    for what, fields, n_reps in designs:
        two = partial(_seconds, 2, n_reps, fields)
        one = partial(_seconds, 1, n_reps, fields)
        beside = partial(_beside, n_reps, fields)
        timings, halves = against(two, [one, beside], 3)
        yield Row(f"{what}, {n_reps:,} replications, one job", [t.seconds for t in timings], "s")
        yield Row(f"{what}: one job over two", [t.ratio for t in timings], "ratio", ">= 1.7")
        of_both = [t.ratio for t in halves]
        yield Row(f"{what}: two processes of half each, over two jobs", of_both, "ratio", ">= 0.95")


@benchmark("f", "peak memory of the largest process", in_quick=False)
def memory(quick: bool) -> Iterator[Row]:
    """A run's memory does not depend on its replications."""
    for n_jobs in (1, 2):
        peaks = []
        for power in (6, 7):
            peaks.append(_run(n_jobs, 10**power, {}).megabytes)
            if math.isnan(peaks[-1]):
                yield Row("peak memory", "not run: no wait4 here")
                return
            what = f"10^{power} replications, {n_jobs} job{'s' * (n_jobs > 1)}"
            yield Row(what, peaks[-1:], "MB", "< 1000")
        what = f"10^7 over 10^6, {n_jobs} job{'s' * (n_jobs > 1)}"
        yield Row(what, [peaks[1] / peaks[0]], "ratio", "flat: 1")


@benchmark("s", "`store: summary` over rows", in_quick=False)
def stored(quick: bool) -> Iterator[Row]:
    """Totals against rows, from the start of the process to its summary."""
    n_reps = 5_000_000
    rows, totals = (partial(_seconds, 1, n_reps, {}, store=store) for store in ("rows", "summary"))
    (timings,) = against(rows, [totals], 3)
    yield Row(f"{n_reps:,} replications, totals", [t.seconds for t in timings], "s")
    yield Row("totals over rows", [t.ratio for t in timings], "ratio", "<= 0.7")
    peak = _run(1, n_reps, {}, store="summary").megabytes
    yield Row("peak memory, totals", [peak], "MB", "< 400")


@benchmark("h", "from the command line, start to end")
def start_up(quick: bool) -> Iterator[Row]:
    """What a user waits for; the first call of each kind, which fills caches, is not counted."""
    repeats = 3 if quick else 9
    yield Row(
        "python alone (`python -c pass`)", _repeated([*SIMSTUDY[:2], "-c", "pass"], repeats), "s"
    )
    smoke = str(CONFIGS / "smoke.yaml")
    for what, arguments, code in (
        ("--help", ["--help"], 0),
        ("--version", ["--version"], 0),
        ("run configs/smoke.yaml --no-reprot", ["run", smoke, "--no-reprot"], 2),
    ):
        seconds = _repeated([*SIMSTUDY, *arguments], repeats, code)
        yield Row(f"`{what}`, exit code {code}", seconds, "s", "< 0.15")
    for name, target in (("smoke", "< 2"), ("icc", "< 6")):
        with tempfile.TemporaryDirectory() as folder:
            seconds = [_config(name, Path(folder) / str(k)) for k in range(3 if quick else 4)][1:]
        yield Row(f"`run configs/{name}.yaml`, figure included", seconds, "s", target)


def _repeated(command: list[str], repeats: int, expect: int = 0) -> list[float]:
    return [child(command, expect).seconds for _ in range(repeats + 1)][1:]


def _config(name: str, folder: Path) -> float:
    config = str(CONFIGS / f"{name}.yaml")
    return child([*SIMSTUDY, "run", config, "--results", str(folder)]).seconds
