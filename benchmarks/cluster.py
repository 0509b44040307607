"""Row m: a dask cluster over processes of the same machine."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from measure import SIMSTUDY, Row, against, benchmark, child, cores, median
from studies import study

DASK = (sys.executable, "-m", "dask")
BUSY = """
import numpy as np
import simstudy

@simstudy.method(grain="clusters", part=1024)
def busy(moments):
    for _ in range({loops}):
        np.log(np.ones(100_000))
    return {{"estimate": moments.mean_y[0], "std_error": np.ones(moments.mean_y.shape[1])}}
"""
RANGES, LOOPS = 16, 150


@contextmanager
def _cluster(folder: Path) -> Iterator[str]:
    """Address of a scheduler with two workers."""
    file = folder / "scheduler.json"
    host = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    workers = ("--nworkers", "2", "--nthreads", "1", "--no-dashboard")
    with ExitStack() as ended, (folder / "log").open("wb") as log:
        for command in (
            ["scheduler", *host, "--scheduler-file", str(file)],
            ["worker", "--scheduler-file", str(file), *workers, "--local-directory", str(folder)],
        ):
            process = subprocess.Popen([*DASK, *command], stdout=log, stderr=log)
            ended.callback(process.wait)
            ended.callback(process.terminate)
            while not file.exists():
                time.sleep(0.1)
        yield json.loads(file.read_text(encoding="utf-8"))["address"]


@benchmark("m", "a dask cluster over loky", in_quick=False)
def dask(quick: bool) -> Iterator[Row]:
    """Two workers each, from the command to its end, with ranges of half a second and more."""
    if cores() < 2:
        yield Row("two workers", "not run: one core")
        return
    with tempfile.TemporaryDirectory() as name, _cluster(Path(name)) as address:
        folder, seconds = Path(name), list[float]()
        (folder / "busy.py").write_text(BUSY.format(loops=LOOPS), encoding="utf-8")
        one = study(1024 * RANGES, {}) | {"methods": [{"use": "busy.py:busy"}]}
        config = folder / "benchmark.yaml"
        config.write_text(json.dumps(one), encoding="utf-8")

        def timed(*options: str) -> float:
            with tempfile.TemporaryDirectory() as results:
                command = [*SIMSTUDY, "run", str(config), "--no-report", "--results", results]
                took = child([*command, *options]).seconds
                (log,) = Path(results).glob("*/run.log.jsonl")
                events = map(json.loads, log.read_text(encoding="utf-8").splitlines())
                spent = [event["seconds"] for event in events if event["event"] == "range"]
                seconds.append(statistics.median(spent))
            return took

        given = "--backend", "dask", "--scheduler", address
        found = against(lambda: timed("--jobs", "2"), [lambda: timed(*given)], 3)
        yield Row("a range", [median(seconds)], "s")
        yield Row("two workers", [t.ratio for t in found[0]], "of loky", "<= 1.10")
