"""What stopping by precision does to what is estimated: bias, and coverage of 95 % intervals.

    python benchmarks/stopping.py [--studies 4000] [--most 4000] [--seed 1]

Many small studies of one scenario each stop at the first of 500, 1000, 2000, ... replications
at which one measure is at its target, by the rule and the Monte Carlo SEs of the package. The
targets are the true Monte Carlo SE at 500 and 1000 replications, so that chance decides where a
study stops (nowhere is the rule more selective), and at 700, between two looks. Printed are the
mean number of replications, the bias at the stop in units of the target, and the coverage of the
summary's 95 % Monte Carlo intervals, each with its own Monte Carlo SE; beside them the coverage
with the target's number of replications fixed. True values are exact where theory has them, else
from all rows drawn.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from simstudy.measures.catalog import MEASURES, finish
from simstudy.measures.record import Cells
from simstudy.measures.totals import of_block
from simstudy.measures.values import Column
from simstudy.runner.task import Task, run_task
from simstudy.study.study import load
from simstudy.summary.stopping import precision_of

LEAST, AT = 500, (500, 700, 1000)
_TOGETHER = 250  # studies that are drawn and judged at once
_COLUMNS = ("estimate", "std_error", "df", "p_value", "status")
_PLAIN = {"n_clusters": 20, "cluster_size": 5, "icc": 0, "x_icc": 0, "slope": 0}
_FEW = {"n_clusters": 8, "cluster_size": 5, "icc": 0.3, "x_icc": 1, "slope": 0}
# what it is, fields of the scenario, method, alpha, measures
CELLS: list[tuple[str, dict[str, Any], str, float, tuple[str, ...]]] = [
    ("Type I error of .05", _PLAIN, "pooled", 0.05, ("rejection_rate",)),
    ("Type I error of .01", _PLAIN, "pooled", 0.01, ("rejection_rate",)),
    ("power of .82", _PLAIN | {"slope": 0.29}, "pooled", 0.05, ("rejection_rate",)),
    ("normal estimates", _PLAIN, "pooled", 0.05, ("bias", "empirical_se")),
    ("8 clusters, heavy tails", _FEW, "cluster_means", 0.05, ("bias", "empirical_se")),
]


class Stopped(NamedTuple):
    """Studies at their stop: replications, value, and whether the interval holds the truth."""

    n_reps: Any
    value: Any
    covered: Any


def chunks(
    fields: dict[str, Any], method: str, alpha: float, n_studies: int, most: int, seed: int
) -> Iterator[dict[str, Any]]:
    """Rows of some studies at a time, shape (studies, replications)."""
    study = load({"name": "s", "seed": seed, "replications": 1, "alpha": alpha,
                  "scenarios": fields, "methods": [method]})  # fmt: skip
    for first in range(0, n_studies, _TOGETHER):
        span = first * most + 1, (first + _TOGETHER) * most
        (rows,) = run_task(Task(seed, study.designs, *span, study.methods))
        yield {name: getattr(rows, name).reshape(_TOGETHER, most) for name in _COLUMNS}


def column(rows: dict[str, Any], n: int, measure: str, alpha: float) -> Column:
    """A measure of the first n replications of every study, as a summary has it."""
    totals = of_block({name: values[:, :n] for name, values in rows.items()}, 0.0, (alpha,))
    (found,) = finish(Cells(totals, (alpha,), 0.0), [MEASURES[measure]])
    return found


def stopped(
    rows: dict[str, Any], measure: str, alpha: float, target: float, truth: float, most: int
) -> Stopped:
    """Studies where they stop at a target."""
    n_reps = np.zeros(_TOGETHER, dtype=int)
    value, covered = np.zeros(_TOGETHER), np.zeros(_TOGETHER, dtype=bool)
    n = LEAST
    while (going := n_reps == 0).any():
        found = column(rows, n, measure, alpha)
        ends = going & ((precision_of(found) <= target) | (n == most))
        value[ends] = found.value.value[ends]
        covered[ends] = (found.value.low <= truth)[ends] & (truth <= found.value.high)[ends]
        n_reps[ends] = n
        n = min(2 * n, most)
    return Stopped(n_reps, value, covered)


def with_error(values: Any, places: int) -> str:
    """Mean and its Monte Carlo SE."""
    return f"{values.mean():.{places}f} ({values.std(ddof=1) / np.sqrt(values.size):.{places}f})"


def truth_of(measure: str, alpha: float, fields: dict[str, Any], drawn: list[Any]) -> float:
    """Exact where it is known: the t test of independent data, and the bias."""
    if measure == "bias":
        return 0.0
    if measure == "rejection_rate" and fields["slope"] == 0:
        return alpha
    if measure == "rejection_rate":
        return float(np.mean([(rows["p_value"] < alpha).mean() for rows in drawn]))
    return float(np.sqrt(np.mean([np.square(rows["estimate"]).mean() for rows in drawn])))


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser()
    for name, default in (("studies", 4000), ("most", 4000), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    n_studies = -(-options.studies // _TOGETHER) * _TOGETHER
    print("| | target: MCSE at | mean replications | bias over target (MCSE) | "
          "coverage (MCSE) | fixed |\n|---|---|---|---|---|---|")  # fmt: skip
    for what, fields, method, alpha, measures in CELLS:
        draw = fields, method, alpha, n_studies, options.most, options.seed
        drawn = list(chunks(*draw))
        for measure in measures:
            truth = truth_of(measure, alpha, fields, drawn)
            whole = np.mean([column(rows, options.most, measure, alpha).value.mcse.mean()
                             for rows in drawn])  # fmt: skip
            for at in AT:
                target = float(whole * np.sqrt(options.most / at))
                found = [stopped(rows, measure, alpha, target, truth, options.most)
                         for rows in drawn]  # fmt: skip
                n_reps, value, covered = (np.concatenate(of) for of in zip(*found, strict=True))
                fixed = np.concatenate([
                    (c.low <= truth) & (truth <= c.high)
                    for rows in drawn for c in [column(rows, at, measure, alpha).value]
                ])  # fmt: skip
                print(f"| {what}: {measure} | {at} | {n_reps.mean():.0f} | "
                      f"{with_error((value - truth) / target, 3)} | {with_error(covered, 4)} | "
                      f"{fixed.mean():.4f} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
