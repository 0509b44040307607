"""Simulating in memory: a scenario and methods in, totals out."""

from __future__ import annotations

import numpy as np

from simstudy.measures.totals import COLUMNS, Totals, combine, concatenate, of_block
from simstudy.runner.plan import plan
from simstudy.runner.task import run_task
from simstudy.study.study import Study, load


def study(scenarios, methods, replications=1000, seed=20240417, **more) -> Study:
    """A study from plain values."""
    head = {"name": "test", "seed": seed, "replications": replications}
    return load(head | {"scenarios": scenarios, "methods": methods} | more)


def merge(blocks: list[Totals]) -> Totals:
    """Totals of one group from those of its blocks."""
    return combine(concatenate(blocks), np.zeros(len(blocks), dtype=int))


def simulate(scenario, methods, replications=100_000, seed=20240417) -> list[Totals]:
    """Totals (one row) of each method over all replications of one scenario, at alpha .05."""
    one = study(scenario, methods, replications, seed)
    (design,) = one.designs
    found: list[list[Totals]] = [[] for _ in one.methods]
    for task in plan(one, []):
        for k, estimates in enumerate(run_task(task)):
            columns = {name: getattr(estimates, name) for name in COLUMNS}
            found[k].append(of_block(columns, design.scenario.slope, one.alpha))
    return [merge(blocks) for blocks in found]
