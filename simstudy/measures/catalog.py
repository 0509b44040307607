"""All measures, and those that are made from totals, of every cell."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import numpy as np

from simstudy.measures import built_in  # noqa: F401  (its modules register themselves)
from simstudy.measures.record import REGISTRY, Cells, Measure, Section
from simstudy.measures.rows import OWN_ROWS
from simstudy.measures.values import Column

MEASURES: Mapping[str, Measure] = {
    measure.name: measure for measure in sorted(REGISTRY.values(), key=lambda one: one.section)
}


def record_of(name: str) -> Measure:
    """A measure by its name; of one that is not built in, what its name says."""
    words = name.replace("_", " ").strip() or name
    title = words[:1].upper() + words[1:]
    return MEASURES.get(name) or Measure(name, record_of, Section.OWN, OWN_ROWS, title)


def chosen(names: Collection[str], more: Mapping[str, Measure]) -> list[Measure]:
    """Measures of these names, built in or among `more`, a user's own.

    Where none is named: all but those built in that need all rows at once.
    """
    every = (*MEASURES.values(), *more.values())
    if names:
        return [measure for measure in every if measure.name in names]
    return [one for one in every if one.name in more or "rows" not in one.needs]


def finish(cells: Cells, measures: Iterable[Measure] = MEASURES.values()) -> list[Column]:
    """Measures of every cell, in the order of a summary; those of rows are left out."""
    made = []
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        for place, measure in enumerate(measures):
            if "rows" in measure.needs:
                continue
            for k, column in enumerate(measure.columns(cells)):
                level = k if measure.section is Section.TESTS else 0
                made.append(((measure.section, level, place, k), column))
    return [column for _, column in sorted(made, key=lambda pair: pair[0])]
