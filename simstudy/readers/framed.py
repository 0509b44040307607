"""Frames of pandas and of whoever speaks Arrow, as a `Table`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from simstudy.errors import UserError, brief
from simstudy.readers import table
from simstudy.readers.columns import dictionary
from simstudy.readers.table import Piece, Table

FRAME = "data"  # what a frame is called in messages


def framed(
    data: Any, file: str = FRAME, coded: Mapping[int, Mapping[float, str]] | None = None
) -> Table:
    """A DataFrame of pandas, polars or another library, or an Arrow table or batch."""
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(data, pandas.DataFrame):
        return _pandas(data, file, coded or {})
    return _arrow(data, file)


def _pandas(data: Any, file: str, coded: Mapping[int, Mapping[float, str]]) -> Table:
    """Columns, then the levels of the index that have a name of their own."""
    columns = [data.iloc[:, i] for i in range(data.shape[1])]
    names = [_name(name) for name in data.columns]
    for level, name in enumerate(data.index.names):
        if name is not None and _name(name) not in names:
            names.append(_name(name))
            columns.append(data.index.get_level_values(level).to_series())

    def pieces(places: Sequence[int]) -> Iterator[Piece]:
        arrays = [_series(columns[place], names[place], file) for place in places]
        yield from _cut(arrays, places, file)

    return Table(file, names, pieces, coded)


def _name(name: Any) -> str:
    """Name of a column: levels of several, as of an aggregation, joined by underscores."""
    if isinstance(name, tuple):
        return "_".join(str(part) for part in name if str(part))
    return str(name)


def _series(values: Any, name: str, file: str) -> Any:
    import pandas as pd

    kind = values.dtype
    if isinstance(kind, pd.SparseDtype):
        values = values.sparse.to_dense()
    if isinstance(kind, pd.PeriodDtype | pd.IntervalDtype):
        values = values.astype("category")
    if isinstance(values.dtype, pd.CategoricalDtype):
        return dictionary(values.cat)
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        there = {type(value).__name__ for value in values.dropna().head(1000)}
        mixed = " and ".join(sorted(there)[:3]) or str(kind)
        raise UserError(f"column '{name}' holds {mixed}, neither numbers nor text",
                        file=file) from None  # fmt: skip


def _arrow(data: Any, file: str) -> Table:
    if hasattr(data, "collect") and not hasattr(data, "__arrow_c_stream__"):
        raise UserError("a lazy frame; give what its collect() returns", file=file)
    if not isinstance(data, pa.Table):
        if isinstance(data, pa.RecordBatch):
            data = pa.Table.from_batches([data])
        elif not hasattr(data, "__arrow_c_stream__") or _is_column(data):
            what = type(data).__name__
            message = f"expected a data frame or the name of a file, got {what}"
            raise UserError(message, file=file)
        else:
            try:
                data = pa.table(data)
            except Exception as error:  # of whoever made the frame
                reason = brief(str(error)) or type(error).__name__
                raise UserError(f"cannot be read as a data frame: {reason}", file=file) from None

    def pieces(places: Sequence[int]) -> Iterator[Piece]:
        yield from _cut([data.column(place) for place in places], places, file)

    return Table(file, list(data.column_names), pieces)


def _is_column(data: Any) -> bool:
    """Whether it is one column, which streams as well."""
    return hasattr(data, "dtype") or type(data).__name__ in ("ChunkedArray", "Series")


def _cut(arrays: list[Any], places: Sequence[int], file: str) -> Iterator[Piece]:
    whole: pa.Table = pa.table(arrays, names=[str(place) for place in places])
    for start in range(0, whole.num_rows, table.BATCH):
        yield Piece(whole.slice(start, table.BATCH), file, start)
