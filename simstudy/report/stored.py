"""Room 5: the rows of one scenario, read from its parts for figures. Imports store and study.

Only parts that hold it are opened, and no more of it than a figure can show.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from simstudy.report.wide import level_text
from simstudy.store import parts
from simstudy.store.names import method_key
from simstudy.study.grid import Design
from simstudy.study.study import Study

if TYPE_CHECKING:
    import pyarrow as pa

MOST_ROWS = 100_000
COLUMNS = ["scenario", "replication", "method", "estimate", "std_error", "df", "p_value", "status"]


def chosen(study: Study, summary: pa.Table) -> Design:
    """The scenario that shows most: slope 0, most methods estimable, largest design effect."""
    import pyarrow.compute as pc

    rate = pc.and_(pc.equal(summary.column("measure"), "rejection_rate"),
                   pc.greater(summary.column("n_used"), 0))  # fmt: skip
    part = summary.filter(rate).select(["scenario", "method"])
    estimable: dict[str, set[str]] = {}
    for scenario, method in zip(*(column.to_pylist() for column in part.columns), strict=True):
        estimable.setdefault(scenario, set()).add(method)

    def worth(design: Design) -> tuple[bool, int, float]:
        there = len(estimable.get(design.id, ()))
        return design.scenario.slope == 0, there, design.design_effect

    return max(study.designs, key=worth)


def rows_of(study: Study, folder: Path, design: Design) -> pa.Table:
    """Stored rows of one scenario, its first replications, at most about `MOST_ROWS`."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

    keys = {method_key(method.canonical) for method in study.methods}
    last = min(study.replications, max(MOST_ROWS // len(keys), 1))
    files = [
        str(parts.estimates_folder(folder) / str(part))
        for part in parts.listing(folder)
        if design.id in part.scenarios and keys & set(part.methods) and part.first <= last
    ]
    if not files:
        kinds = [pa.float64()] * len(COLUMNS)
        return pa.table({name: pa.array([], kind)
                         for name, kind in zip(COLUMNS, kinds, strict=True)})  # fmt: skip
    mine = (pc.field("scenario") == design.id) & (pc.field("replication") <= last)
    names = [method.canonical for method in study.methods]
    wanted = mine & pc.field("method").isin(names)
    return ds.dataset(files, format="parquet").to_table(columns=COLUMNS, filter=wanted)


def about(study: Study, design: Design) -> dict[str, Any]:
    """What a figure of estimates has to know besides the rows."""
    from simstudy.report.figures.style import named

    pairs = ", ".join(f"{named(f)} {level_text(v)}" for f, v in design.levels.items())
    return {
        "true": design.scenario.slope,
        "labels": {method.canonical: method.label for method in study.methods},
        "what": f"Scenario {design.id}: {pairs}",
    }
