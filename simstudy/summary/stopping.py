"""How many replications each scenario has, as its stored rows say.

A function of the study and its rows: the same for any workers, order and interruption, and for
whoever reads the folder later. What is compared with a target is the summary's own Monte Carlo
SE of the first N rows.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from simstudy.errors import first_of
from simstudy.measures.catalog import MEASURES
from simstudy.measures.targets import Target
from simstudy.measures.values import Z95, Column
from simstudy.moments import Bools, Floats
from simstudy.registry import Method
from simstudy.runner.belongs import refuse_other_content
from simstudy.runner.plan import gaps_of
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.grid import Design
from simstudy.study.precision import Stop, bound
from simstudy.study.study import Study
from simstudy.summary.add_up import measured
from simstudy.summary.cells import StudyCells
from simstudy.summary.current import kept_stops
from simstudy.summary.looks import Looks
from simstudy.summary.study import stored_rows

MOST = "max"  # what made a scenario stop that is not at its target
LEAST = "min"  # and one in which no method has a measure that has a target
_NAMED = 8  # scenarios that are named


class Bound(NamedTuple):
    """What is farthest from its target in a scenario.

    Attributes
    ----------
    ratio : float
        Its Monte Carlo SE over the target; infinite where it is not known.
    name : str
        The measure, the method and the alpha.
    """

    ratio: float
    name: str


def stored(folder: ResultsFolder, trusted: bool = False) -> Study:
    """The study that was run in a folder, settled by its rows, which must be those of it."""
    study = folder.study(trusted)
    refuse_other_content(study, folder)
    return settled(study, folder)


def settled(
    study: Study, folder: ResultsFolder, jobs: int = 1, looks: Looks | None = None
) -> Study:
    """A study that knows of each scenario how many replications it has.

    Or, where rows are missing, up to which number they are needed before more can be said. What
    a study knows already is not looked at again, nor is what `looks` remember. One that does not
    stop by precision is as it was.
    """
    rule, looks = study.precision, looks or Looks()
    if rule is None:
        return study
    known = study.stops or kept_stops(study, folder)
    stops = {d.id: known.get(d.id, Stop(rule.least, "")) for d in study.designs}
    listed = folder.held()
    going = [design for design in study.designs if not stops[design.id].by]
    while going:
        some = replace(study, designs=tuple(going), stops=stops)
        missing = {scenario for (scenario, _), gaps in gaps_of(some, listed).items() if gaps}
        going = [design for design in going if design.id not in missing]
        alike: dict[tuple[int, int], list[Design]] = defaultdict(list)
        for design in going:
            alike[stops[design.id].n_reps, looks.n_blocks(design.id)].append(design)
        bounds = [
            bound
            for designs in alike.values()
            for bound in farthest(
                replace(some, designs=tuple(designs)), folder, looks, jobs
            ).items()
        ]
        for scenario, (ratio, name) in bounds:
            n_reps = stops[scenario].n_reps
            if ratio <= 1.0:
                stops[scenario] = Stop(n_reps, name)
            elif n_reps >= rule.most:
                stops[scenario] = Stop(n_reps, MOST)
            else:
                stops[scenario] = Stop(rule.after(n_reps), "")
        going = [design for design in going if not stops[design.id].by]
    return replace(study, stops=stops)


def short_of_target(study: Study) -> list[str]:
    """A line, where scenarios stopped before they were at their targets."""
    short = [scenario for scenario, stop in study.stops.items() if stop.by == MOST]
    if not short:
        return []
    return [
        f"{len(short)} of {len(study.designs)} scenarios are not at their targets with max "
        f"({study.replications:,}) replications: {first_of(short, _NAMED)}"
    ]


def farthest(study: Study, folder: ResultsFolder, looks: Looks, jobs: int) -> dict[str, Bound]:
    """Scenario -> what is farthest from its target, of scenarios of as many replications."""
    assert study.precision is not None
    targets = study.precision.targets
    measures = [MEASURES[name] for name in dict.fromkeys(asked.measure for asked, _ in targets)]
    cells = StudyCells(study)
    compare = any("pairs" in measure.needs for measure in measures)
    source = looks.remembering(study, stored_rows(study, folder, cells, compare), jobs)
    made, columns = measured(source, measures, "robust", lambda line: None, jobs)
    bounds = {design.id: Bound(0.0, LEAST) for design in study.designs}
    for one in targets:
        held = source.asked
        if one.asked.null is not None:
            held = held & (made.null == one.asked.null) & ~np.isnan(made.level)
        for column in columns:
            if column.measure == one.asked.measure:
                _hold(bounds, cells.pairs, one, column, held)
    return bounds


def _hold(
    bounds: dict[str, Bound],
    pairs: Sequence[tuple[Design, Method]],
    one: Target,
    column: Column,
    held: Bools,
) -> None:
    """Note in `bounds` what is farther from a target than all before."""
    ratio = precision_of(column) / one.mcse
    has = held & column.defined & ~np.isnan(column.value.value)
    for cell in np.flatnonzero(has).tolist():
        design, method = pairs[cell]
        known = not math.isnan(ratio[cell])
        far = float(ratio[cell]) if known else math.inf
        if far > bounds[design.id].ratio or bounds[design.id].name == LEAST:
            bounds[design.id] = Bound(far, bound(one.asked.name, method.label, column.alpha))


def precision_of(column: Column) -> Floats:
    """Monte Carlo SE of a measure in every cell, as it is held against a target.

    A rate of 0 or 1 has one of 0, which is no precision: there it is half its 95 % Monte Carlo
    interval (Wilson's) over 1.96, as it would be of a normal one.
    """
    value = column.value
    return np.where(value.mcse == 0, (value.high - value.low) / (2.0 * Z95), value.mcse)
