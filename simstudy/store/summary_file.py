"""The summary of a results folder, and the small tables beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from simstudy.errors import UserError, WorkError
from simstudy.store import seal
from simstudy.store.results_folder import SUMMARY, ResultsFolder


def write_table(
    folder: ResultsFolder, name: str, table: pa.Table, mark: dict[str, Any] | None = None
) -> None:
    """Write a small table into a results folder, as parquet or CSV by its name's ending.

    `mark` goes to a parquet file's footer.
    """
    sink = pa.BufferOutputStream()
    if name.endswith(".csv"):
        from pyarrow import csv

        csv.write_csv(table, sink, csv.WriteOptions(quoting_style="needed"))
        folder.write(name, sink.getvalue())
        return
    plain = table.replace_schema_metadata(None)
    # the schema as Arrow has it would hold the footer a second time, in another writing
    with pq.ParquetWriter(sink, plain.schema, store_schema=False) as writer:
        writer.write_table(plain)
        writer.add_key_value_metadata(seal.footer(mark or {}))
    folder.write(name, *seal.summed(sink.getvalue()))


class Stored(NamedTuple):
    """A stored summary.

    Attributes
    ----------
    table : pyarrow.Table
    mark : dict
        What it says it was made from; empty where it says nothing.
    sure : bool
        Whether it has a sum, and so is what was written; earlier versions wrote none.
    """

    table: pa.Table
    mark: dict[str, Any]
    sure: bool


class BrokenSummaryError(WorkError):
    """A summary that is not what was written."""


def read_summary(folder: ResultsFolder) -> Stored:
    """The stored summary, or `BrokenSummaryError`; `UserError` where there is none."""
    return _stored(folder, lambda opened: opened.read().replace_schema_metadata(None))


def _stored(folder: ResultsFolder, table: Callable[[pq.ParquetFile], pa.Table]) -> Stored:
    file = folder.shown(SUMMARY)
    broken = BrokenSummaryError(f"{file}: is not what was written; run the study again")
    try:
        content = folder.read(SUMMARY)
        seal.refuse_newer(file, content)
        fits = seal.fits(content)
        with pq.ParquetFile(pa.BufferReader(content)) as opened:
            mark = seal.said(opened.metadata.metadata)
            if fits is False or (fits is None and "format" in mark):
                raise broken
            return Stored(table(opened), mark, fits is True)
    except FileNotFoundError:
        raise UserError(f"no {SUMMARY} here; run the study first", file=str(folder)) from None
    except (pa.ArrowException, OSError, ValueError):
        raise broken from None


def summary_mark(folder: ResultsFolder) -> dict[str, Any]:
    """What a stored summary says it was made from; empty where that is not known."""
    if not folder.exists(SUMMARY):
        return {}
    try:
        return _stored(folder, lambda opened: pa.table({})).mark
    except BrokenSummaryError:
        return {}
