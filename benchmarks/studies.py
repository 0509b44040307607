"""The study that is timed, J = 30 and n = 20 unless a row says otherwise, and its seconds."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import simstudy
from simstudy.runner.execute import execute
from simstudy.store.results_folder import ResultsFolder

SCENARIO = {"n_clusters": 30, "cluster_size": 20, "icc": 0.1, "x_icc": 0.5, "slope": 0}
METHODS = ["pooled", "dummy", "random_intercept"]
UNIFORM = {"cluster_size": {"uniform": [5, 35]}}


def study(replications: int, fields: dict[str, Any], **top: Any) -> dict[str, Any]:
    """Write a study: the scenario with other fields, without those that are None; other keys."""
    scenario = {key: value for key, value in (SCENARIO | fields).items() if value is not None}
    whole = {"name": "benchmark", "seed": 1, "replications": replications, "methods": METHODS}
    return whole | {"scenarios": scenario} | top


def seconds_a_replication(replications: int, fields: dict[str, Any], **top: Any) -> float:
    """Seconds of one replication: drawn, fitted, stored; no summary, no report."""
    loaded = simstudy.load(study(replications, fields, **top))
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        execute(loaded, ResultsFolder(Path(folder)), jobs=1)
        return (time.perf_counter() - start) / replications


def seconds_of_a_run(replications: int, fields: dict[str, Any], **top: Any) -> float:
    """Seconds of a whole run in this process: checked, drawn, fitted, stored, summarised."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        simstudy.run(study(replications, fields, **top), jobs=1, results=folder, report=False)
        return time.perf_counter() - start
