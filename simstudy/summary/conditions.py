"""Which rows of anybody's estimates count."""

from __future__ import annotations

from typing import Any

import numpy as np

from simstudy.errors import UserError, nearest
from simstudy.moments import Array, Bools
from simstudy.readers.columns import without_missing
from simstudy.readers.labels import as_written
from simstudy.readers.table import Batch, Table
from simstudy.store import arrow
from simstudy.where import Where, known, mask, shown

_YES, _NO = ("true", "1", "yes", "y", "t"), ("false", "0", "no", "n", "f")
_MOST = 1000  # levels that are remembered, to say what there is


class Chosen:
    """Rows that meet a condition, batch after batch.

    Parameters
    ----------
    where : Where or None
        All rows where there is none.
    opened : Table
        What the rows are of.
    """

    def __init__(self, where: Where | None, opened: Table) -> None:
        self._where, self._opened = where, opened
        self._levels: dict[str, dict[Any, None]] = {}
        self.n_rows = 0
        if where is not None:
            names = [*filter(None, opened.names), *filter(opened.has, where.fields)]
            self._check(where, dict.fromkeys(names, ()))
            self._levels = {field: {} for field in where.fields}

    def mask(self, rows: Batch) -> Bools | None:
        """Rows of a batch that count; None where all do."""
        if self._where is None:
            self.n_rows += rows.num_rows
            return None
        columns = {field: arrow.levels_of(rows.labels(field)) for field in self._where.fields}
        for field, (levels, _) in columns.items():
            levels_met = self._levels[field]
            levels_met |= dict.fromkeys(levels[: _MOST - len(levels_met)])
        rows_met: Array = mask(self._where, columns)
        self.n_rows += int(rows_met.sum())
        return rows_met

    def check(self) -> None:
        """Refuse a condition that could not be put to any row, or that none met."""
        if self._where is None:
            return
        levels = {field: self._known(field) for field in self._levels}
        self._check(self._where, levels)
        if not self.n_rows:
            levels_text = "; ".join(f"{field} {known(of)}" for field, of in levels.items())
            message = f"where: no row is like that: {self._where.text} ({levels_text})"
            raise UserError(message, file=self._opened.file)

    def _known(self, field: str) -> list[Any]:
        """Levels that were met, numbers where a file without types has usual ones."""
        import pyarrow as pa

        levels = list(self._levels[field])
        if not self._opened.is_written(field):
            return levels
        written: list[Any] = as_written(pa.chunked_array([arrow.texts(levels)])).to_pylist()
        return written

    def _check(self, where: Where, levels: dict[str, Any]) -> None:
        try:
            where.check(levels)
        except UserError as error:
            raise UserError(f"where: {error}", file=self._opened.file) from None


def converged(rows: Batch, name: str) -> Bools:
    """Which rows say that their fit converged; one that says nothing did not.

    Parameters
    ----------
    rows : Batch
    name : str
        Of a column of true or false, 1 or 0, yes or no.
    """
    labels = without_missing(rows.labels(name))[0]
    if str(labels.type) == "string":
        labels = as_written(labels)  # 1.0 is 1
    levels, index = arrow.levels_of(labels)
    said = [shown(level).strip().lower() for level in levels]
    for k, word in enumerate(said):
        if word not in (*_YES, *_NO):
            hint = nearest(word, (*_YES[:3], *_NO[:3]))
            row = int(np.flatnonzero(index == k)[0])
            rows.refuse(f"column '{name}': {levels[k]!r:.40} is neither yes nor no{hint}", row)
    return np.array([*(word in _YES for word in said), False], dtype=bool)[index]
