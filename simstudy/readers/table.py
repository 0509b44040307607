"""A table that somebody brought, its columns by name and by what they are taken for."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

import numpy as np
import pyarrow as pa

from simstudy.errors import UserError, nearest
from simstudy.readers import columns
from simstudy.readers.decimals import NOTHING, Style, Unreadable, is_number
from simstudy.readers.labels import words

BATCH = 1 << 17  # rows
_LISTED = 20  # columns, in a message


class Piece(NamedTuple):
    """Some rows as they are stored.

    Attributes
    ----------
    columns : pyarrow.Table
        As many as were asked for, in that order.
    file : str
        Where they come from: one of the files of a folder.
    first : int
        Number of the first of them in there, counted from 0.
    """

    columns: pa.Table
    file: str
    first: int


@dataclass(frozen=True)
class Table:
    """What a file, a folder or a frame holds.

    Attributes
    ----------
    file : str
        Name, for messages.
    names : list of str
        Of the columns, as written; "" cannot be asked for.
    pieces : callable
        Places of columns -> their rows, every time anew.
    coded : dict
        Place of a column -> {code: label}, of Stata and SPSS.
    line : callable, optional
        Row of a text -> its line.
    written : set of int
        Places of columns that know no types: their labels are text that may mean numbers.
    others : Style
        What the columns of a text say of decimal commas.
    """

    file: str
    names: list[str]
    pieces: Callable[[Sequence[int]], Iterator[Piece]]
    coded: Mapping[int, Mapping[float, str]] = field(default_factory=dict)
    line: Callable[[int], int] | None = None
    written: frozenset[int] = frozenset()
    others: Style = NOTHING

    def has(self, name: str) -> bool:
        """Whether there is a column of that name, or several."""
        return bool(self._places(name))

    def place(self, name: str) -> int:
        """Place of the one column of that name, or `UserError` with the nearest there is."""
        found = self._places(name)
        if len(found) > 1:
            raise UserError(f"two columns are called '{name}'", file=self.file)
        if not found:
            known = [known for known in self.names if known]
            said = _nearest(name, known)
            if self.line is not None and any(is_number(known) for known in known):
                said += " (is the first line a header?)"
            raise UserError(f"no column '{name}'{said}", file=self.file)
        return found[0]

    def _places(self, name: str) -> list[int]:
        """Places of a name, compared as written, then normalised, then without blanks around."""
        for fold in (str, _normal, lambda text: _normal(text).strip()):
            if found := [i for i, one in enumerate(self.names) if one and fold(one) == fold(name)]:
                return found
        return []

    def is_written(self, name: str) -> bool:
        """Whether a column knows no types, as those of a CSV file."""
        return self.place(name) in self.written

    def batches(self, names: Sequence[str]) -> Iterator[Batch]:
        """Rows of the columns of these names, some at a time."""
        names = list(dict.fromkeys(names))
        places = [self.place(name) for name in names]
        for piece in self.pieces(places):
            if piece.columns.num_rows:
                yield Batch(self, names, places, piece)

    def whole(self, names: Sequence[str]) -> Batch:
        """All rows of the columns of these names at once."""
        names = list(dict.fromkeys(names))
        places = [self.place(name) for name in names]
        pieces = list(self.pieces(places))
        parts = [piece.columns.rename_columns([str(k) for k in places]) for piece in pieces]
        if not parts:
            parts = [pa.table({str(place): pa.nulls(0) for place in places})]
        both = pa.concat_tables(parts, promote_options="permissive")
        return Batch(self, names, places, Piece(both, self.file, 0))


class Batch:
    """Rows of a `Table`, each column as what it is taken for."""

    def __init__(self, table: Table, names: list[str], places: list[int], piece: Piece) -> None:
        self._table = table
        self._piece = piece
        self._at = dict(zip(names, enumerate(places), strict=True))
        self.num_rows: int = piece.columns.num_rows
        self._rows: Any = None

    def filter(self, keep: Any) -> Batch:
        """Rows where `keep`, bool of shape (num_rows,), is true; messages have their numbers."""
        rows = np.flatnonzero(keep)
        columns = self._piece.columns.take(pa.Array.from_buffers(
            pa.int64(), rows.size, [None, pa.py_buffer(rows.astype(np.int64))]))  # fmt: skip
        places = [place for _, place in self._at.values()]
        found = Batch(self._table, list(self._at), places, self._piece._replace(columns=columns))
        found._rows = rows if self._rows is None else self._rows[rows]
        return found

    def numbers(self, name: str) -> Any:
        """Column as float64, NaN where missing; codes where they have labels."""
        try:
            found = columns.numbers(self._column(name), self._table.others)
        except Unreadable as error:
            self.refuse(f"column '{name}' is not numeric: {error.reason}", error.row)
        except columns.Unusable as error:
            raise UserError(f"column '{name}' holds {error}, no numbers",
                            file=self._piece.file) from None  # fmt: skip
        return np.asarray(found, dtype=float)

    def predictor(self, name: str) -> tuple[Any, tuple[str, ...]]:
        """Column as float64, NaN where missing; of two words as 0 and 1, and these words.

        The first word in sorted order is 0, as R codes a factor.
        """
        try:
            found = words(columns.labels(self._column(name)))
        except columns.Unusable:
            found = None
        if found is None:
            return self.numbers(name), ()
        codes, there = found
        if len(there) != 2:
            listed = ", ".join(f"'{word[:40]}'" for word in there[:5])
            listed += ", ..." if len(there) > 5 else ""
            many = f"{len(there)} words" if len(there) > 1 else "one word"
            message = f"column '{name}' holds {many} ({listed}); a predictor is numbers, or two"
            raise UserError(f"{message} words", file=self._piece.file)
        return np.where(codes < 0, np.nan, codes).astype(float), tuple(there)

    def labels(self, name: str) -> pa.ChunkedArray:
        """Column as labels, as written; a dictionary where its levels have an order."""
        try:
            found = columns.labels(self._column(name))
        except columns.Unusable as error:
            raise UserError(f"column '{name}' holds {error}, no labels",
                            file=self._piece.file) from None  # fmt: skip
        if coded := self._table.coded.get(self._at[name][1]):
            return columns.with_names(found, coded)
        return found

    def refuse(self, message: str, row: int) -> NoReturn:
        """Raise `UserError` with the line of a row, or its number where there are no lines."""
        row = self._piece.first + int(row if self._rows is None else self._rows[row])
        if self._table.line is not None:
            raise UserError(message, file=self._piece.file, line=self._table.line(row))
        raise UserError(f"row {row + 1:,}: {message}", file=self._piece.file)

    def _column(self, name: str) -> pa.ChunkedArray:
        return self._piece.columns.column(self._at[name][0])


def _nearest(name: str, known: list[str]) -> str:
    """The column that was probably meant, or those there are, of many the first."""
    said = nearest(name, known)
    if not said.startswith("; known") or len(known) <= _LISTED:
        return said if known else "; no column has a name"
    return f"{nearest(name, known[:_LISTED])}, ... ({len(known):,} in all)"


def _normal(name: str) -> str:
    return unicodedata.normalize("NFC", name)
