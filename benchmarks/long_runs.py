"""Row j: a finished study started again, and a slow method of the user's on two workers."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from growth import grid
from measure import SIMSTUDY, Row, benchmark, child, cores
from studies import UNIFORM, study

SLOW = """\
import time
import simstudy


@simstudy.method
def slow(data):
    time.sleep(0.05)
    return data.y.mean(), 1.0
"""


@benchmark("j", "long runs", in_quick=False)
def long_runs(quick: bool) -> Iterator[Row]:
    """What starts again, and what waits."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "benchmark.yaml"
        config.write_text(json.dumps(study(100, grid(10_000))), encoding="utf-8")
        command = [*SIMSTUDY, "run", str(config), "--no-report", "--results", folder]
        child(command)
        seconds = [child(command).seconds for _ in range(5)]
    yield Row("a finished study of 10,000 scenarios, started again", seconds, "s", "< 1")
    if cores() < 2:
        yield Row("a method of 50 ms", "not run: one core")
        return
    alone, _ = _events([])
    beside, busy = _events([{"use": "slow.py:slow"}])
    what = "a method of 50 ms on two workers, 1,000 fits"
    yield Row(f"{what}: busy, of first fit to last", [100 * busy], "%", "> 95")
    yield Row(f"{what}: the built-in methods' rows are there after", [beside], "s")
    yield Row("the same without it (too little work for workers)", [alone], "s")


def _events(own: list[dict[str, str]]) -> tuple[float, float]:
    """Seconds to the last range of built-in methods, and the busy share of both workers."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "slow.py").write_text(SLOW, encoding="utf-8")
        content = study(500, UNIFORM | {"icc": [0, 0.1]})
        content["methods"] = content["methods"] + own
        config = Path(folder) / "benchmark.yaml"
        config.write_text(json.dumps(content), encoding="utf-8")
        options = ["--no-report", "--jobs", "2", "--results", folder]
        child([*SIMSTUDY, "run", str(config), *options])
        log = Path(folder, "benchmark", "run.log.jsonl").read_text(encoding="utf-8")
    events = [json.loads(line) for line in log.splitlines()]
    ranges = [event for event in events if event["event"] == "range"]
    begin, last = _time(events[0]), _time(ranges[-1])
    built_in = max(_time(r) for r in ranges if not r["methods"][0].startswith("slow"))
    first = min(_time(r) - r["seconds"] for r in ranges)
    return built_in - begin, sum(r["seconds"] for r in ranges) / (2 * (last - first))


def _time(event: dict[str, Any]) -> float:
    return datetime.fromisoformat(event["time"]).timestamp()
