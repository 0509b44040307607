"""Cost of a replication against numpy's draw of the 1,200 normals of one data set.

    python benchmarks/direct_draw.py

Thirty clusters, the three default methods with p-values, parquet written, one process. Each
figure is the median of several ratios, both sides timed next to each other in one run.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from simstudy.runner.execute import execute
from simstudy.study.study import load

NORMALS = 1200
REPEATS = 5
DESIGNS = [
    ("balanced, n = 20", {}, 400_000),
    ("balanced, n = 5", {"cluster_size": 5}, 400_000),
    ("balanced, n = 200", {"cluster_size": 200}, 400_000),
    ("treated clusters, n = 20", {"x": "binary", "x_icc": 1}, 100_000),
    ("sizes 10 and 30", {"cluster_size": {"sizes": [10] * 15 + [30] * 15}}, 50_000),
    ("sizes drawn anew in 5..35", {"cluster_size": {"uniform": [5, 35]}}, 50_000),
]


def seconds_of_normals() -> float:
    """Seconds that numpy takes for the normals of one data set."""
    generator, out = np.random.default_rng(1), np.empty(NORMALS * 50)
    start = time.perf_counter()
    for _ in range(100):
        generator.standard_normal(out=out)
    return (time.perf_counter() - start) / 5000


def seconds_of_a_replication(fields: dict, replications: int) -> float:
    """Seconds of one replication: drawn, fitted three times, stored."""
    scenario = {"n_clusters": 30, "cluster_size": 20, "icc": 0.1, "x_icc": 0.5, "slope": 0}
    study = load(
        {
            "name": "benchmark",
            "seed": 1,
            "replications": replications,
            "scenarios": scenario | fields,
            "methods": ["pooled", "dummy", "random_intercept"],
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        execute(study, Path(folder), jobs=1)
        return (time.perf_counter() - start) / replications


def main() -> None:
    """Print a line a design."""
    seconds_of_a_replication({}, 5000)  # imports and first pages
    print(f"{'design':<28}{'us a replication':>18}{'ratio to normals':>18}")
    for name, fields, replications in DESIGNS:
        times, ratios = [], []
        for _ in range(REPEATS):
            before = seconds_of_normals()
            spent = seconds_of_a_replication(fields, replications)
            times.append(spent * 1e6)
            ratios.append(spent / (0.5 * (before + seconds_of_normals())))
        print(f"{name:<28}{statistics.median(times):>18.2f}{statistics.median(ratios):>18.3f}")


if __name__ == "__main__":
    main()
