"""CSV and its kin as a `Table` of text."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from simstudy.errors import UserError, brief
from simstudy.readers import table
from simstudy.readers.arrays import first
from simstudy.readers.columns import without_layout
from simstudy.readers.decimals import style
from simstudy.readers.layout import Layout, layout, lines, records
from simstudy.readers.table import Piece, Table


def delimited(text: str, file: str) -> Table:
    """Cut a text into columns, all of them as text: what they are taken for is decided later."""
    found = layout(text, file)
    raw = found.body.encode("utf-8", "surrogatepass")
    _check(found, raw, file)

    @lru_cache(maxsize=1)
    def read(places: tuple[int, ...]) -> Any:
        nothing = {str(place): pa.nulls(0, pa.string()) for place in places}
        return _read(found, raw, places) if raw else pa.table(nothing)

    def pieces(places: Sequence[int]) -> Iterator[Piece]:
        columns = read(tuple(places))
        for start in range(0, columns.num_rows, table.BATCH):
            yield Piece(columns.slice(start, table.BATCH), file, start)

    words = [word for record in found.sample for word in record]
    return Table(file, found.names, pieces, line=lambda row: _line(found, row),
                 written=frozenset(range(len(found.names))), others=style(words))  # fmt: skip


def _read(found: Layout, raw: bytes, places: Sequence[int]) -> Any:
    from pyarrow import csv as arrow

    names = [str(place) for place in range(len(found.names))]
    wanted = [names[place] for place in places] or names[:1]
    columns = arrow.read_csv(
        pa.py_buffer(raw),
        read_options=arrow.ReadOptions(column_names=names),
        parse_options=arrow.ParseOptions(delimiter=found.separator, newlines_in_values=True),
        convert_options=arrow.ConvertOptions(
            include_columns=wanted,
            column_types=dict.fromkeys(wanted, pa.string()),
            strings_can_be_null=False,
        ),
    )
    for i, place in enumerate(places):
        if found.names[place] != found.names[place].strip():
            columns = columns.set_column(i, wanted[i], without_layout(columns.column(i)))
    return columns


def _check(found: Layout, raw: bytes, file: str) -> None:
    """Refuse a text whose lines differ in length, or with a quote that is left open."""
    if not raw:
        return
    try:
        n_rows = _read(found, raw, []).num_rows
    except pa.ArrowException as error:
        _check_quotes(found, file)
        _name_the_line(found, file)
        message = brief(str(error))
        raise UserError(f"cannot be read: {message}", file=file) from None
    if b'"' in raw and n_rows != sum(1 for line in raw.splitlines() if line):
        _check_quotes(found, file)
    if found.names[-1] == "" and len(found.names) > 1:
        _check_last(found, raw, file)


def _check_last(found: Layout, raw: bytes, file: str) -> None:
    """A last column without a name is empty: only a separator at the end of each line."""
    last = _read(found, raw, [len(found.names) - 1]).column(0)
    row = first(pc.match_substring_regex(last, "(?s)."))
    if row is not None:
        message = f"the last field, '{brief(last[row].as_py(), 40)}', has no name in the header"
        raise UserError(message, file=file, line=_line(found, row))


def _name_the_line(found: Layout, file: str) -> None:
    """Refuse by the first line that has more or fewer fields than the others."""
    n = len(found.names)
    given = n - (found.names[0] == "") if n > 1 else n
    for line, record in records(found.body, found.separator):
        if len(record) != n:
            shown = brief(found.separator.join(record), 60)
            message = f"expected {given} columns, got {len(record)}: '{shown}'"
            raise UserError(message, file=file, line=line + found.first_line - 1)


def _check_quotes(found: Layout, file: str) -> None:
    reader = csv.reader(lines(found.body), delimiter=found.separator,
                        strict=True)  # fmt: skip
    begin = found.first_line
    try:
        for _ in reader:
            begin = found.first_line + reader.line_num
    except csv.Error as error:
        reason = str(error)
        if "unexpected end" in reason:
            reason = "a quote is not closed"
        raise UserError(f"cannot be read: {reason}", file=file, line=begin) from None


def _line(found: Layout, row: int) -> int:
    """Line of a row, counted from 1 in the file."""
    for number, (line, _) in enumerate(records(found.body, found.separator)):
        if number == row:
            return found.first_line + line - 1
    return found.first_line
