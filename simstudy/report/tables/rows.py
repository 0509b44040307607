"""The summary as CSV or JSON, a row a number or a column a method."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from typing import TYPE_CHECKING, Any

from simstudy.report.tables.grid import Grid
from simstudy.report.tables.shown import ABSENT
from simstudy.store import arrow

if TYPE_CHECKING:
    import pyarrow as pa


_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)


def as_csv(table: Grid) -> str:
    """A table of value (MCSE) for a spreadsheet; every level is written in every row."""
    stream, absent = io.StringIO(), table.notes.get(ABSENT, ABSENT)  # a CSV file has no notes
    rows = (
        [
            *map(_no_formula, levels),
            *(absent if cell.text == ABSENT else cell.text for cell in cells),
        ]
        for levels, cells in zip(table.levels, table.cells, strict=True)
    )
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows([[*map(_no_formula, [*table.factors, *table.headings])], *rows])
    return stream.getvalue()


def _no_formula(text: str) -> str:
    """Text that a spreadsheet does not run: quoted where it begins like a formula."""
    first = unicodedata.normalize("NFKC", text[:1])
    return f"'{text}" if first in _FORMULA and not _NUMBER.fullmatch(text) else text


def alphas(summary: pa.Table, measure: str) -> list[float | None]:
    """Levels at which a measure is there, in their order; [None] where it has none."""
    here = arrow.equal_to(summary.column("measure"), measure)
    return summary.column("alpha").take(here).unique().to_pylist() or [None]


def as_rows(summary: pa.Table, form: str) -> str:
    """Numbers at full precision.

    Parameters
    ----------
    summary : pyarrow.Table
        A summary, or what `by_method` makes of it.
    form : {"csv", "json"}
    """
    if form == "json":
        rows = summary.to_pylist()
        return json.dumps(rows, indent=1, allow_nan=False, default=str) + "\n"  # str: of dates
    from pyarrow import csv as arrow_csv

    sink = io.BytesIO()
    arrow_csv.write_csv(summary, sink, arrow_csv.WriteOptions(quoting_style="needed"))
    return sink.getvalue().decode()


def by_method(summary: pa.Table) -> pa.Table:
    """A row a scenario, measure and alpha; columns METHOD_value and METHOD_mcse.

    Parameters
    ----------
    summary : pyarrow.Table
        As in summary.parquet; what stands before `method` names a scenario.
    """
    import pyarrow as pa

    names = summary.column_names
    kept = [*names[: names.index("method")], "measure", "alpha"]
    methods = summary.column("method").to_pylist()
    places: dict[tuple[Any, ...], dict[Any, int]] = {}  # of each row, by what it is about
    columns = (summary.column(name).to_pylist() for name in kept)
    for place, (method, key) in enumerate(zip(methods, zip(*columns, strict=True), strict=True)):
        places.setdefault(key, {})[method] = place
    made = {f"{method}_{name}" for method in methods for name in ("value", "mcse")}
    first = arrow.integers([next(iter(of_key.values())) for of_key in places.values()])
    out = {}
    for name in kept:
        heading = name
        while heading in made or (heading != name and heading in kept):
            heading = f"by_{heading}"
        out[heading] = summary.column(name).take(first)
    for method in dict.fromkeys(methods):
        index = pa.array([of_key.get(method) for of_key in places.values()], pa.int64())
        for name in ("value", "mcse"):
            out[f"{method}_{name}"] = summary.column(name).take(index)
    return pa.table(out)
