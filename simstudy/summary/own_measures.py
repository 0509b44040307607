"""The users' own measures of a study: computed, or as stored.

Who reads a results folder need not trust the files of its measures, so nothing is imported
for reading: the stored numbers are shown where they are still those of the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from simstudy.errors import UserError
from simstudy.measures.own import record
from simstudy.measures.record import Measure
from simstudy.measures.values import NAN, Column, Value
from simstudy.moments import Array, Ints
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.measures import OwnMeasure
from simstudy.study.study import Study
from simstudy.summary.cells import StudyCells
from simstudy.summary.current import summary_of_rows

_NUMBERS = ("value", "mcse", "ci_low", "ci_high", "n_used", "n_not_used")


def own_measures(
    measures: Sequence[OwnMeasure],
) -> tuple[dict[str, Measure], list[OwnMeasure]]:
    """Records of a study's own measures, and those of which there is none.

    The file of such a one is gone, or is not to be imported.
    """
    records, gone = {}, []
    for one in measures:
        try:
            records[one.name] = record(one.function, one.name)
        except UserError:
            gone.append(one)
    return records, gone


def as_stored(
    study: Study,
    folder: ResultsFolder,
    measures: Sequence[OwnMeasure],
    n_all: Ints,
    warn: Callable[[str], None],
) -> list[Column]:
    """Columns of measures as the stored summary has them; what it has not is left out, and said."""
    cells = StudyCells(study).of_each(lambda design, method: (design.id, method.canonical))
    group = {cell: g for g, cell in enumerate(cells)}
    names = [one.name for one in measures]
    held = {name: Column(name, NAN, Value(*np.full((4, len(cells)), NAN)), *_nothing(n_all))
            for name in names}  # fmt: skip
    summary = summary_of_rows(study, folder)
    if summary is not None and "method_name" in summary.column_names:
        columns = ("measure", "scenario", "method_name", *_NUMBERS)
        rows = zip(*(summary.column(name).to_pylist() for name in columns), strict=True)
        for name, scenario, method, *numbers in rows:
            if name in held and (g := group.get((scenario, method))) is not None:
                _put(held[name], g, numbers)
    lost = [one for one in measures if not held[one.name].defined.any()]
    if lost:
        listed = ", ".join(f"{one.name} ({Path(one.source.file).name or 'Python'})" for one in lost)
        are = "measure is" if len(lost) == 1 else "measures are"
        warn(f"{folder}: the {are} left out: {listed}; no stored summary has them of these rows, "
             "and nothing is imported for reading; `run` computes them")  # fmt: skip
    return [one for one in held.values() if one.defined.any()]


def _nothing(n_all: Ints) -> tuple[Ints, Ints, Array]:
    return np.zeros_like(n_all), n_all.copy(), np.zeros(n_all.size, dtype=bool)


def _put(column: Column, g: int, numbers: Sequence[float | None]) -> None:
    """Put a stored row into its group."""
    *four, n_used, n_not_used = (NAN if number is None else number for number in numbers)
    for values, number in zip(column.value, four, strict=True):
        values[g] = number
    column.n_used[g], column.n_not_used[g], column.defined[g] = int(n_used), int(n_not_used), True
