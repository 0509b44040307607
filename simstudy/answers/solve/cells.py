"""A measure of all methods in some scenarios of a study, from the rows that are stored."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import replace

import numpy as np

from simstudy.answers.solve.aim import Point
from simstudy.answers.solve.question import Question
from simstudy.measures.catalog import MEASURES
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.study import Study
from simstudy.summary.add_up import measured
from simstudy.summary.cells import StudyCells
from simstudy.summary.study import stored_rows

Cell = tuple[str, str]  # a scenario's id and a method's label


def points(
    study: Study,
    folder: ResultsFolder,
    scenarios: Collection[str],
    question: Question,
    jobs: int,
    warn: Callable[[str], None] = lambda line: None,
) -> dict[Cell, Point]:
    """What is known of a measure in some scenarios, at the first alpha."""
    some = replace(study, designs=tuple(d for d in study.designs if d.id in scenarios))
    cells = StudyCells(some)
    source = stored_rows(some, folder, cells, compare=False)
    _, columns = measured(source, [MEASURES[question.asked.measure]], "robust", warn, jobs)
    alphas = (study.alpha[0],)
    column = next(c for c in columns if math.isnan(c.alpha) or c.alpha in alphas)
    there = column.defined & source.asked
    value = np.where(there, column.value.value, np.nan)
    used = np.where(np.isnan(value), 0, column.n_used)
    return {
        (design.id, method.label): Point(
            study.n_reps(design.id), int(used[k]), float(value[k]), float(column.value.mcse[k])
        )
        for k, (design, method) in enumerate(cells.pairs)
    }
