"""Room 5: which rows of anybody's estimates count. Imports where, errors and store.arrow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from simstudy.errors import UserError, nearest
from simstudy.moments import Array, Bools
from simstudy.store import arrow
from simstudy.where import Where, known, mask, shown

_YES, _NO = ("true", "1", "yes", "y", "t"), ("false", "0", "no", "n", "f")
_MOST = 1000  # levels that are remembered, to say what there is
Column = Callable[[str], Any]  # name -> pyarrow column of a batch


class Chosen:
    """Rows that meet a condition, batch after batch.

    Parameters
    ----------
    where : Where, optional
        All rows where there is none.
    names : list of str
        Columns that there are.
    file : str
    """

    def __init__(self, where: Where | None, names: list[str], file: str) -> None:
        self._where, self._file = where, file
        self._levels: dict[str, dict[Any, None]] = {}
        self.n_rows = 0
        if where is not None:
            self._said(where.check, dict.fromkeys(names, ()))
            self._levels = {field: {} for field in where.fields}

    def mask(self, column: Column, n: int) -> Bools | None:
        """Rows of a batch that count; None where all do."""
        if self._where is None:
            self.n_rows += n
            return None
        columns = {field: self._levels_of(column(field), field) for field in self._where.fields}
        for field, (levels, _) in columns.items():
            there = self._levels[field]
            there |= dict.fromkeys(levels[: _MOST - len(there)])
        found: Array = mask(self._where, columns)
        self.n_rows += int(found.sum())
        return found

    def _levels_of(self, values: Any, field: str) -> tuple[list[Any], Array]:
        try:
            return arrow.levels_of(values)
        except arrow.NotLevelsError:
            message = f"where: column '{field}' holds {values.type}, no levels"
            raise UserError(message, file=self._file) from None

    def check(self) -> None:
        """Refuse a condition that could not be put to any row, or that none met."""
        if self._where is None:
            return
        self._said(self._where.check, {field: [*there] for field, there in self._levels.items()})
        if not self.n_rows:
            there = "; ".join(f"{field} {known(of)}" for field, of in self._levels.items())
            message = f"where: no row is like that: {self._where.text} ({there})"
            raise UserError(message, file=self._file)

    def _said(self, check: Callable[..., None], levels: dict[str, Any]) -> None:
        try:
            check(levels)
        except UserError as error:
            raise UserError(f"where: {error}", file=self._file) from None


def converged(values: Any, name: str, file: str) -> Bools:
    """Which rows say that their fit converged; one that says nothing did not.

    Parameters
    ----------
    values : pyarrow column
        true or false, 1 or 0, yes or no.
    name : str
        Of the column.
    """
    levels, index = arrow.levels_of(values)
    said = [shown(level).strip().lower() for level in levels]
    for level, word in zip(levels, said, strict=True):
        if word not in (*_YES, *_NO):
            hint = nearest(word, (*_YES[:3], *_NO[:3]))
            raise UserError(
                f"column '{name}': {level!r:.40} is neither yes nor no{hint}", file=file
            )
    return np.array([*(word in _YES for word in said), False], dtype=bool)[index]
