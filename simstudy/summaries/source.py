"""Room 5: estimates of any origin, batch after batch. Imports frames; pyarrow, pandas if needed.

Parquet is read as it is added up; CSV and Stata files and frames are held in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from simstudy import frames
from simstudy.errors import UserError

_BATCH = 1 << 17  # rows
_NO_LEVEL = "__HIVE_DEFAULT_PARTITION__"  # the value of a folder without one


class Source(NamedTuple):
    """Where rows come from.

    Attributes
    ----------
    file : str
        Name, for messages.
    names : list of str
        Columns that are there.
    batches : callable
        Columns wanted -> an iterator of pyarrow tables, every time anew.
    """

    file: str
    names: list[str]
    batches: Callable[[Sequence[str]], Iterator[Any]]


def source(data: Any, method: str = "", labels: Collection[str] = ()) -> Source:
    """Open a DataFrame, a pyarrow table, or a CSV, Stata or parquet file or folder.

    Of a file that knows no types the column `method` is text, and those of `labels` are too,
    unless all that is written there are usual numbers.
    """
    if not isinstance(data, str | Path):
        return _frame(data, "data")
    path, name = Path(data), str(data)
    if path.suffix.lower() == ".dta" and path.is_file():
        return _frame(_stata(path), name)
    if path.is_dir() or (path.is_file() and path.suffix.lower() in (".parquet", ".pq")):
        return _parquet(path, method)
    table = frames.read_table(path, {method, *labels}, named=True)
    for i, column in enumerate(table.column_names):
        if column in labels and column != method:
            table = table.set_column(i, column, frames.as_written(table.column(i)))
    return _table(table, name)


def _stata(path: Path) -> Any:
    import pandas as pd

    try:
        return pd.read_stata(path)
    except (ValueError, OSError) as error:
        raise UserError(f"cannot be read: {str(error).splitlines()[0]}", file=str(path)) from None


def _frame(data: Any, name: str) -> Source:
    import pyarrow as pa

    if isinstance(data, pa.Table):
        return _table(data, name)
    names = [str(column) for column in getattr(data, "columns", ())]
    if not names:
        raise UserError("expected a DataFrame or the name of a file of estimates", file=name)

    def batches(wanted: Sequence[str]) -> Iterator[Any]:
        try:
            table = pa.Table.from_pandas(data[list(wanted)], preserve_index=False)
        except (pa.ArrowException, TypeError, AttributeError, KeyError) as error:
            raise UserError(f"cannot be read as a data frame: {error}", file=name) from None
        yield from _cut(table)

    return Source(name, names, batches)


def _table(table: Any, name: str) -> Source:
    def batches(wanted: Sequence[str]) -> Iterator[Any]:
        yield from _cut(table.select(list(wanted)))

    return Source(name, list(table.column_names), batches)


def _cut(table: Any) -> Iterator[Any]:
    for start in range(0, table.num_rows, _BATCH):
        yield table.slice(start, _BATCH)


def _partitioning(folder: Path, files: Sequence[str], method: str) -> Any:
    """Columns that folders called NAME=VALUE hold, as pandas, Spark and arrow write them."""
    import pyarrow as pa
    import pyarrow.dataset as ds

    values: dict[str, dict[str, None]] = {}
    for file in files:
        for part in Path(file).relative_to(folder).parts[:-1]:
            name, equals, value = part.partition("=")
            if equals:
                found = values.setdefault(unquote(name), {})
                found |= {} if value == _NO_LEVEL else {unquote(value): None}
    kinds = []
    for name, words in values.items():
        levels = pa.chunked_array([pa.array(list(words), pa.string())])
        kinds.append((name, (levels if name == method else frames.as_written(levels)).type))
    return ds.partitioning(pa.schema(kinds), flavor="hive") if kinds else None


def _parquet(path: Path, method: str) -> Source:
    import pyarrow as pa
    import pyarrow.dataset as ds

    name = str(path)
    try:
        files = sorted(str(file) for file in path.rglob("*.parquet")) if path.is_dir() else [name]
        if not files:
            raise UserError("no parquet file in this folder", file=name)
        folders = _partitioning(path, files, method)
        base = name if path.is_dir() else None
        opened = ds.dataset(files, format="parquet", partitioning=folders, partition_base_dir=base)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"cannot be read: {str(error).splitlines()[0]}", file=name) from None

    def batches(wanted: Sequence[str]) -> Iterator[Any]:
        scan = opened.scanner(
            columns=list(wanted), batch_size=_BATCH, batch_readahead=2, fragment_readahead=1
        )
        try:
            for batch in scan.to_batches():
                if batch.num_rows:
                    yield pa.Table.from_batches([batch])
        except (pa.ArrowException, OSError) as error:
            raise UserError(f"cannot be read: {str(error).splitlines()[0]}", file=name) from None

    return Source(name, list(opened.schema.names), batches)
