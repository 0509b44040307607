"""The rows of one scenario, read from its parts for figures.

Only parts that hold it are opened, and no more of it than a figure can show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simstudy.estimates import LIMITS
from simstudy.report.drawing.rows import COLUMNS, MOST_ROWS, Sample, Target, by_method
from simstudy.report.drawing.style import levels_text
from simstudy.report.nulls import aims, rates
from simstudy.store import arrow, failures, parts
from simstudy.store.names import PartName, method_key
from simstudy.store.results_folder import EXTRAS, ResultsFolder
from simstudy.study.grid import Design
from simstudy.study.study import Study

if TYPE_CHECKING:
    import pyarrow as pa


def example(study: Study, folder: ResultsFolder, summary: pa.Table) -> Sample:
    """The rows of the scenario that shows most."""
    return sample_of(study, folder, summary, chosen(study, summary))


def sample_of(study: Study, folder: ResultsFolder, summary: pa.Table, design: Design) -> Sample:
    """The rows of one scenario, and what a figure says of them: of methods with tests, if any."""
    part = summary.take(arrow.equal_to(summary.column("scenario"), design.id))
    aim_of = dict(zip(part.column("method").to_pylist(), aims(part), strict=True))
    tested = {row["method"] for row, _ in rates(part)} or aim_of
    targets = {
        method.canonical: Target(method.label, aim_of[method.label], place)
        for place, method in enumerate(study.methods)
        if method.label in tested
    }
    reference = targets.get(study.reference or "")
    return Sample(
        by_method(rows_of(study, folder, design), targets),
        study.title or study.name,
        study.alpha[0],
        f"Scenario {design.id}: {levels_text(design.levels)}",
        reference.label if reference else None,
    )


def chosen(study: Study, summary: pa.Table) -> Design:
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

    return max(study.designs, key=worth)


def rows_of(study: Study, folder: ResultsFolder, design: Design) -> pa.Table:
    """Stored rows of one scenario, its first replications, at most about `MOST_ROWS`."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

    keys = {method_key(method.canonical) for method in study.methods}
    last = min(study.replications, max(MOST_ROWS // len(keys), 1))
    holding = [
        part
        for part in folder.parts()
        if design.id in part.scenarios and keys & set(part.methods) and part.first <= last
    ]
    for part in holding:
        parts.verify(folder, part, parts.Whose.of(study))
    files = [str(folder.of_part(part)) for part in holding]
    if not files:
        kinds = [pa.float64()] * len(COLUMNS)
        return pa.table({name: pa.array([], kind)
                         for name, kind in zip(COLUMNS, kinds, strict=True)})  # fmt: skip
    names = [method.canonical for method in study.methods]
    wanted = (pc.field("scenario") == design.id) & (pc.field("replication") <= last)
    wanted &= pc.field("method").isin(names)
    rows = ds.dataset(files, format="parquet").to_table(columns=list(COLUMNS), filter=wanted)
    return _with_limits(rows, folder, holding, design.id)


def _with_limits(
    rows: pa.Table, folder: ResultsFolder, holding: list[PartName], scenario: str
) -> pa.Table:
    """Rows with the limits that users' methods gave, where there are any."""
    limits: dict[tuple[str, str, int], float] = {}
    for part in holding:
        extras = failures.of_part(folder, part, EXTRAS)
        for row in [] if extras is None else extras.to_pylist():
            if row["name"] in LIMITS and row["scenario"] == scenario:
                limits[row["name"], row["method"], row["replication"]] = row["value"]
    if not limits:
        return rows
    where = list(zip(rows.column("method").to_pylist(), rows.column("replication").to_pylist(),
                     strict=True))  # fmt: skip
    for name in LIMITS:
        values = [limits.get((name, *place)) for place in where]
        rows = rows.append_column(name, arrow.doubles(np.array(values, dtype=float)))
    return rows
