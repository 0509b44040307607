"""The summary as CSV or JSON, a row a number or a column a method."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from typing import TYPE_CHECKING

from simstudy.report.tables.grid import ABSENT, Grid
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
    writer.writerows([[*map(_no_formula, [*table.factors, *table.methods])], *rows])
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
    import numpy as np
    import pyarrow as pa

    names = summary.column_names
    kept = [*names[: names.index("method")], "measure", "alpha"]
    row = np.zeros(summary.num_rows, dtype=np.int64)
    for name in kept:
        code = _codes(summary.column(name))
        # renumbered each time, so that many factors do not overflow
        row = np.unique(row * (code.max(initial=0) + 1) + code, return_inverse=True)[1]
    _, first, row = np.unique(row, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(order.size)
    methods = summary.column("method").unique().to_pylist()
    made = {f"{label}_{name}" for label in methods for name in ("value", "mcse")}
    out = {}
    for name in kept:
        heading = name
        while heading in made or (heading != name and heading in kept):
            heading = f"by_{heading}"
        out[heading] = summary.column(name).take(pa.array(first[order]))
    method = _codes(summary.column("method"))
    for k, label in enumerate(methods):
        here = np.flatnonzero(method == k)
        source = np.full(order.size, -1)
        source[place[row[here]]] = here
        index = pa.array(source, mask=source < 0)
        for name in ("value", "mcse"):
            out[f"{label}_{name}"] = summary.column(name).take(index)
    return pa.table(out)


def _codes(column: pa.ChunkedArray):  # type: ignore[no-untyped-def]
    """Levels numbered in the order in which they appear."""
    import pyarrow as pa

    values = column.combine_chunks()
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks)
    if not pa.types.is_dictionary(values.type):
        values = values.dictionary_encode(null_encoding="encode")
    return values.indices.to_numpy(zero_copy_only=False)
