"""How often `solve` is right: roots of designs whose power is the noncentral t.

    python benchmarks/solving.py --seeds 7

Sixty designs of treated clusters (two arms as equal as can be, clusters of one size, cluster
means), with targets .8, .9, .7 by the seed. Counts roots within one cluster of the smallest number
by scipy's noncentral t, intervals that hold it, and the replications that a full grid over [root/2,
2 root] takes at the Monte Carlo SE that was reached at the root, over those that were spent.
"""

from __future__ import annotations

import argparse
import math
import resource
import tempfile
from collections.abc import Iterator

import numpy as np
from scipy import stats

from simstudy.answers.solve.answers import Answer
from simstudy.answers.solve.solve import solve

TARGETS = (0.8, 0.9, 0.7)
GRID = {"cluster_size": [5, 20, 60], "icc": [0.02, 0.05, 0.1, 0.2],
        "slope": [0.4, 0.5, 0.65, 0.8, 1.0]}  # fmt: skip


def power(n_clusters: int, slope: float, icc: float, size: int, alpha: float = 0.05) -> float:
    """Of the t test of two arms' cluster means."""
    treated = n_clusters // 2
    variance = (icc + (1 - icc) / size) * (1 / treated + 1 / (n_clusters - treated))
    df, shift = n_clusters - 2, slope / math.sqrt(variance)
    critical = stats.t.ppf(1 - alpha / 2, df)
    return float(stats.nct.sf(critical, df, shift) + stats.nct.cdf(-critical, df, shift))


def smallest(answer: Answer, target: float) -> int:
    """Clusters that the design of an answer takes."""
    slope, icc, size = (answer.scenario[name] for name in ("slope", "icc", "cluster_size"))
    number = 3
    while power(number, slope, icc, size) < target:
        number += 1
    return number


def searched(seed: int, slopes: int) -> Iterator[tuple[Answer, int]]:
    """Answers of a seed, and what is right."""
    target = TARGETS[seed % 3]
    grid = GRID | {"slope": GRID["slope"][-slopes:]}
    study = {
        "name": "solving", "seed": seed, "replications": 1, "methods": ["cluster_means"],
        "scenarios": {"n_clusters": 10, "x": "binary", "x_icc": 1, **grid},
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        found = solve(study, "n_clusters", power=target, results=folder, jobs=1)
    for answer in found.answers:
        yield answer, smallest(answer, target)


def main() -> None:
    """Print a line a seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=7)
    parser.add_argument("--slopes", type=int, default=len(GRID["slope"]))
    options = parser.parse_args()
    print("| seed | roots | within one | covered | exactly it | grid over spent | CPU s |")
    print("|---|---|---|---|---|---|---|")
    for seed in range(1, options.seeds + 1):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
        pairs = list(searched(seed, options.slopes))
        within = sum(a.root is not None and abs(a.root - true) <= 1 for a, true in pairs)
        covered = sum(a.root is not None and a.ci_low <= true <= a.ci_high for a, true in pairs)
        exactly = sum(a.root == true for a, true in pairs)
        grids = [(2 * true - true // 2 + 1) * a.value * (1 - a.value) / a.mcse**2 / a.replications
                 for a, true in pairs if a.mcse]  # fmt: skip
        seconds = resource.getrusage(resource.RUSAGE_SELF).ru_utime - before
        print(f"| {seed} | {len(pairs)} | {within} | {covered} | {exactly} | "
              f"{np.median(grids):.1f} | {seconds:.0f} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
