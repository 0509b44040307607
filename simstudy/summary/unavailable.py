"""What a study has no numbers of because it keeps totals and not rows, by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from simstudy.measures.record import Measure
from simstudy.plots import plots
from simstudy.study import keeping
from simstudy.study.study import Study
from simstudy.summary.cells import StudyCells
from simstudy.summary.source import CellFacts


def not_available(
    study: Study, cells: StudyCells, facts: CellFacts, measures: Sequence[Measure]
) -> Iterator[str]:
    """A line, where there is anything to say."""
    lost = [one.name for one in measures
            if any(facts.lacking[need].any() for need in one.needs & {"rows", "mean"})]  # fmt: skip
    if facts.compared is not None and facts.lacking["rows"].any():
        paired = {label for label, has in zip(_labels(cells), facts.compared, strict=True) if has}
        alone = _alone(study, cells, facts)
        if alone:
            some = " in some scenarios" if alone & paired else ""
            (reference,) = (m.label for m in study.methods if m.canonical == study.reference)
            lost.append(f"pairs of {', '.join(sorted(alone))} with {reference}{some}")
    for method in study.methods:
        if method.extras and any(study.totalled(design, method) for design in study.designs):
            lost.append(f"extras of {method.label}")
    if lost:
        kept = keeping.shown(study.sample)
        rows = "not all rows" if study.sample else "no rows"
        yield f"not available with store: {kept}, which keeps {rows}: {', '.join(lost)}"


def keeps_rows(study: Study) -> bool:
    """Whether a study stores rows, if not of all replications."""
    if study.sample != 0:
        return True
    return not any(study.totalled(design, m) for design in study.designs for m in study.methods)


def figures_without_rows(study: Study) -> list[str]:
    """Figures of rows that a study asks for and keeps none to draw."""
    if keeps_rows(study):
        return []
    built_in = [one for one in study.figures if one.source is None]
    return [one.file for one in built_in if plots()[one.name].reads == "rows"]


def _alone(study: Study, cells: StudyCells, facts: CellFacts) -> set[str]:
    """Methods that stand beside the reference somewhere and have no pairs with it there."""
    asked = np.array(cells.of_each(study.asks))
    canonical = [method.canonical for method in study.methods]
    assert study.reference is not None and facts.compared is not None
    reference = cells.same_scenario(canonical.index(study.reference))
    wanted = asked & asked[reference] & (reference != np.arange(asked.size))
    labels = _labels(cells)
    return {labels[cell] for cell in np.flatnonzero(wanted & ~facts.compared).tolist()}


def _labels(cells: StudyCells) -> list[str]:
    return cells.of_each(lambda design, method: method.label)
