"""Data sets drawn again, to see what they are like beside what they were meant to be."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simstudy.custom.own_source import OwnSource
from simstudy.estimands import DEFAULT
from simstudy.generators import streams
from simstudy.generators.source import Source
from simstudy.generators.without_fixed import without_fixed_part
from simstudy.moments import Bools, Clusters, Floats, Pooled, Units
from simstudy.numerics.batches import cut_data, reps_of
from simstudy.numerics.features import Feature, concatenated, features_of, sums_of
from simstudy.numerics.without_line import without_line
from simstudy.runner.plan import gaps_of
from simstudy.store import realized_file
from simstudy.store.realized_file import Realized
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.drawing import source_of
from simstudy.study.grid import Design
from simstudy.study.study import Study

_MOST = 2000  # replications of a scenario


class Errors(NamedTuple):
    """Data sets with errors in the place of y.

    Attributes
    ----------
    data : Clusters or Units
    lost : array of bool, shape (R,)
        Which of them a user's generator could not draw.
    slope : array, shape (R,)
        The true slope of x.
    """

    data: Clusters | Units
    lost: Bools
    slope: Floats


def complete(study: Study, folder: ResultsFolder) -> None:
    """Draw what is not known yet of a study some of whose data misbehave; `run` alone does this.

    A user's generator that some fits were given up with may end this process: it is left alone.
    """
    n_reps = {design.id: min(study.n_reps(design.id), _MOST) for design in study.designs}
    misbehaves = any(design.scenario.misbehaves for design in study.designs)
    wanted = list(study.designs) if misbehaves else []
    if study.generators:
        gaps = gaps_of(study, folder.held())
        incomplete = {scenario for (scenario, _), missing in gaps.items() if missing}
        wanted = [d for d in wanted if d.scenario.generator is None or d.id not in incomplete]
    known = realized_file.read(folder) if wanted else {}
    found = {design.id: known[design.id] for design in wanted
             if design.id in known and known[design.id].n_reps == n_reps[design.id]}  # fmt: skip
    if len(found) < len(wanted):
        for design in wanted:
            if design.id not in found:
                n = n_reps[design.id]
                found[design.id] = Realized(n, realized(design, study.seed, n))
        realized_file.write(folder, found)


def realized(design: Design, seed: int, n_reps: int) -> dict[str, Feature]:
    """Features of the first replications, at the grain of clusters or that at which they start."""
    grain = max(streams.CLUSTERS, streams.GRAIN[design.scenario.first_grain])
    length = streams.chunk_length(design.scenario, grain)
    pieces = []
    for first in range(0, n_reps, length):
        errors = errors_of(design, seed, grain, first // length, n_reps - first)
        wanted = min(n_reps - first, reps_of(errors.data))
        sums = sums_of(cut_data(errors.data, 0, wanted))
        kept = ~errors.lost[: n_reps - first]
        pieces.append({name: values[kept] for name, values in sums.items()})
    return features_of(concatenated(pieces))


def errors_of(design: Design, seed: int, grain: int, chunk: int, need: int) -> Errors:
    """A chunk of data sets with their errors in the place of y.

    Of a user's generator they are what the true slopes leave of y; NaN where one is not known.
    """
    scenario = design.scenario
    if scenario.generator is None:
        source = Source(without_fixed_part(scenario), seed, design.key)
        errors = source.moments(grain, chunk, need)
        assert not isinstance(errors, Pooled)
        n_reps = reps_of(errors)
        return Errors(errors, np.zeros(n_reps, dtype=bool), np.full(n_reps, scenario.slope))
    own = source_of(design, seed)
    assert isinstance(own, OwnSource)
    data, told = own.moments(grain, chunk, need), own.told(grain, chunk, need)
    slope = told.truths.get(DEFAULT, np.full(told.lost.shape, scenario.slope))
    others = [told.truths.get(one.name, one.slope) for one in scenario.covariates]
    return Errors(without_line(data, [*others, slope]), told.lost, slope)
