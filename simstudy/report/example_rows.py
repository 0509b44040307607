"""The rows of one scenario, for figures."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from simstudy.report.drawing.rows import Sample, Target, method_rows
from simstudy.report.nulls import aims, rates
from simstudy.report.words import words_of
from simstudy.store import arrow
from simstudy.store.results_folder import ResultsFolder
from simstudy.study.grid import Design
from simstudy.study.study import Study
from simstudy.summary.cells import StudyCells
from simstudy.summary.study import stored_rows

if TYPE_CHECKING:
    import pyarrow as pa

MOST_ROWS = 100_000


def example(
    study: Study,
    folder: ResultsFolder,
    summary: pa.Table,
    scenarios: Collection[str] | None = None,
) -> Sample:
    """The rows of the scenario that shows most, of those with these ids."""
    return sample_of(study, folder, summary, chosen(study, summary, scenarios))


def sample_of(study: Study, folder: ResultsFolder, summary: pa.Table, design: Design) -> Sample:
    """The rows of one scenario, and what a figure says of them: of methods with tests, if any.

    Its first replications, about `MOST_ROWS` rows at most.
    """
    part = summary.take(arrow.equal_to(summary.column("scenario"), design.id))
    aim_of = dict(zip(part.column("method").to_pylist(), aims(part), strict=True))
    tested = {row["method"] for row, _ in rates(part)} or aim_of
    last = min(study.n_reps(design.id), max(MOST_ROWS // len(study.methods), 1))
    cells = StudyCells(study)
    source = stored_rows(replace(study.fixed(last), sample=None), folder, cells, compare=False)
    rows, reference, words = {}, None, words_of(study)
    for cell, (of, method) in enumerate(cells.pairs):
        if of.id == design.id and (label := method.label) in tested:
            name = words.method(label)
            target = Target(name, aim_of[label], study.methods.index(method))
            rows[name] = method_rows(target, source.numbers_of(cell), source.rows_of(cell))
            reference = name if method.canonical == study.reference else reference
    what = f"Scenario {design.id}: {words.levels(design.levels)}"
    return Sample(rows, study.title or study.name, study.alpha[0], what, reference)


def chosen(study: Study, summary: pa.Table, scenarios: Collection[str] | None = None) -> Design:
    """The scenario that shows most: true nulls, most methods estimable, largest design effect."""
    estimable: dict[str, set[str]] = {}
    null: dict[str, set[str]] = {}
    for row, aim in rates(summary):
        if row["n_used"] > 0:
            estimable.setdefault(row["scenario"], set()).add(row["method"])
        if aim.null:
            null.setdefault(row["scenario"], set()).add(row["method"])

    def worth(design: Design) -> tuple[int, int, float]:
        n_null, n_estimable = (len(of.get(design.id, ())) for of in (null, estimable))
        return n_null, n_estimable, design.design_effect

    return max((d for d in study.designs if scenarios is None or d.id in scenarios), key=worth)
