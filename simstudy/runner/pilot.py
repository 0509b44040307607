"""Room 4: what a study will take, from one small block timed in memory. Writes nothing.

Imports plan, task, store's encoder and measures.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from simstudy.generators import streams
from simstudy.measures.measures import SIMPLE
from simstudy.measures.totals import COLUMNS, Totals, of_block
from simstudy.registry import GRAINS
from simstudy.runner.plan import part_name
from simstudy.runner.task import Task, grain_of, run_task
from simstudy.store import parts
from simstudy.study.grid import Design
from simstudy.study.study import Study

FORECAST = (*SIMPLE, "rejection_rate", "coverage", "type1_inflation")
_MOST = 24  # scenarios that are tried; the others are like their neighbours


@dataclass(frozen=True, slots=True)
class Pilot:
    """What trials say of a whole study.

    Attributes
    ----------
    seconds : float
        Work in one process.
    megabytes : float
        Of parts.
    largest_mcse : dict
        Measure -> largest Monte Carlo SE of any trial, at the study's replications.
    """

    seconds: float
    megabytes: float
    largest_mcse: dict[str, float]


def pilot(study: Study) -> Pilot:
    """Run a few replications of some scenarios and scale up."""
    step = max(1, math.ceil(len(study.designs) / _MOST))
    tried = study.designs[::step]
    seconds = bytes_ = 0.0
    largest: dict[str, float] = {}
    run_task(_task(study, tried[0], 1))  # the first call imports and warms up
    for design in tried:
        spent, size, totals, n_reps = _trial(study, design)
        share = len(study.designs) / len(tried) * study.replications / n_reps
        seconds += spent * share
        bytes_ += size * share
        for of_method in totals:
            for measure, mcse in _errors(of_method, n_reps, study).items():
                largest[measure] = max(largest.get(measure, 0.0), mcse)
    return Pilot(seconds, bytes_ / 1e6, largest)


def _task(study: Study, design: Design, n_reps: int) -> Task:
    return Task(study.seed, (design,), 1, n_reps, study.methods, study.grain)


def _trial(study: Study, design: Design) -> tuple[float, int, list[Totals], int]:
    """Time one task of one batch."""
    grains = {grain_of(method, design.scenario, study.grain) for method in study.methods}
    finest = streams.GRAIN[max(grains, key=GRAINS.index)]
    n_reps = min(study.replications, streams.batch_length(design.scenario, finest))
    task = _task(study, design, n_reps)
    start = time.perf_counter()
    found = run_task(task)
    size = 0
    for method, estimates in zip(study.methods, found, strict=True):
        content = parts.encode(part_name(task, method), method.canonical, estimates, {})
        size += content.size
    spent = time.perf_counter() - start
    totals = []
    for estimates in found:
        columns = {key: getattr(estimates, key) for key in COLUMNS}
        totals.append(of_block(columns, design.scenario.slope, study.alpha))
    return spent, size, totals, n_reps


def _errors(totals: Totals, n_reps: int, study: Study) -> dict[str, float]:
    """Monte Carlo SEs at the study's replications; a rate is taken at its nominal level."""
    scale = math.sqrt(n_reps / study.replications)
    out = {}
    for measure, function in SIMPLE.items():
        mcse = function(totals, "robust").mcse
        if mcse == mcse:
            out[measure] = mcse * scale
    alpha = max(study.alpha)
    rate = math.sqrt(alpha * (1 - alpha) / study.replications)
    return out | {"rejection_rate": rate, "coverage": rate, "type1_inflation": rate / alpha}
