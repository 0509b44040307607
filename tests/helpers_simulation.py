"""Simulating in memory: a scenario and methods in, totals out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simstudy.measures import tree
from simstudy.measures.totals import COLUMNS, Totals, concatenate, of_block
from simstudy.runner.plan import plan
from simstudy.runner.task import run_task
from simstudy.study.study import Study, load


def study(scenarios, methods, replications=1000, seed=20240417, **more) -> Study:
    """A study from plain values."""
    head = {"name": "test", "seed": seed, "replications": replications}
    return load(head | {"scenarios": scenarios, "methods": methods} | more)


class Row(NamedTuple):
    """One line of a summary, without its scenario and method."""

    measure: str
    alpha: float
    value: float
    mcse: float
    ci_low: float
    ci_high: float
    n_used: int
    n_not_used: int


def rows_of(columns, group=0) -> list[Row]:
    """The rows of one group of a summary."""
    return [
        Row(c.measure, c.alpha, *(float(v[group]) for v in c.value), int(c.n_used[group]),
            int(c.n_not_used[group]))
        for c in columns if c.defined[group]
    ]  # fmt: skip


def merge(blocks: list[Totals]) -> Totals:
    """Totals of one group from those of its blocks."""
    cells = np.zeros(len(blocks), dtype=int)
    nodes = tree.of_blocks(cells, np.arange(len(blocks)), concatenate(blocks))
    return tree.merged(nodes).totals


class Single:
    """Totals of one group as plain numbers."""

    def __init__(self, totals: Totals) -> None:
        self.totals = totals
        self.n_used, self.n_all = int(totals.n_used[0]), int(totals.n_all[0])
        self.by_status = tuple(totals.by_status[0].tolist())
        self.rejected = tuple(totals.rejected[0].tolist())
        self.covered = tuple(totals.covered[0].tolist())
        self.error = float(totals.of_error.means[0][0])
        self.variance = float(totals.with_se.means[1][0])
        self.powers = {key: float(value[0]) for key, value in totals.with_se.about.items()}


def simulate(scenario, methods, replications=100_000, seed=20240417) -> list[Single]:
    """Totals of each method over all replications of one scenario, at alpha .05."""
    one = study(scenario, methods, replications, seed)
    (design,) = one.designs
    found: list[list[Totals]] = [[] for _ in one.methods]
    for task in plan(one, []):
        for k, estimates in enumerate(run_task(task)):
            columns = {name: getattr(estimates, name) for name in COLUMNS}
            found[k].append(of_block(columns, design.scenario.slope, one.alpha))
    return [Single(merge(blocks)) for blocks in found]
