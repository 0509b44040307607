"""Predictors as a table has them: numbers, or levels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simstudy.analysis.terms import Variable
from simstudy.errors import UserError
from simstudy.moments import Bools, Floats, Ints
from simstudy.readers import labels
from simstudy.readers.columns import without_missing
from simstudy.readers.table import Batch, Table


@dataclass(frozen=True, eq=False)
class Levels:
    """A column as levels, the first of them the reference.

    Attributes
    ----------
    codes : array of int
        Place of each row's level; -1 where it is missing.
    names : tuple of str
        Of the levels: in the order that a categorical or the codes of Stata and SPSS give, else
        sorted, as numbers where all are some.
    """

    codes: Ints
    names: tuple[str, ...]

    @property
    def missing(self) -> Bools:
        """Rows without a level."""
        return np.asarray(self.codes < 0)

    def at(self, rows: Ints) -> tuple[Levels, tuple[str, ...]]:
        """Levels of some rows, none of them missing, and the names that no row of them has."""
        there, codes = np.unique(self.codes[rows], return_inverse=True)
        kept = set(there.tolist())
        empty = (name for place, name in enumerate(self.names) if place not in kept)
        names = tuple(self.names[place] for place in there)
        return Levels(codes.astype(np.int64), names), tuple(empty)


@dataclass(frozen=True, eq=False)
class Numbers:
    """A column as numbers; NaN where one is missing."""

    numbers: Floats

    @property
    def missing(self) -> Bools:
        """Rows without a number."""
        return np.isnan(self.numbers)

    def at(self, rows: Ints) -> tuple[Numbers, tuple[str, ...]]:
        """Numbers of some rows; no level is lost."""
        return Numbers(self.numbers[rows]), ()


Values = Numbers | Levels


def values_of(table: Table, rows: Batch, variable: Variable) -> Values:
    """A predictor's values: levels where it is C() or text; numbers of codes with labels."""
    if not variable.categorical and not _is_text(table, rows, variable.column):
        return Numbers(rows.numbers(variable.column))
    given = rows.labels(variable.column)
    if table.is_written(variable.column):
        given = labels.as_written(without_missing(given)[0])
    codes, names, _ = labels.clusters(given, own_order=True)
    every = labels.levels(given)
    if every is None or len(every) == len(names):
        return Levels(codes, _shown(names))
    places = {level: place for place, level in enumerate(every)}
    moved = np.array([*(places[name] for name in names), -1], dtype=np.int64)
    return Levels(moved[codes], _shown(every))


def _is_text(table: Table, rows: Batch, column: str) -> bool:
    if table.coded.get(table.place(column)):
        return False
    try:
        return labels.words(rows.labels(column)) is not None
    except UserError:  # no labels: as numbers it says better what it is
        return False


def _shown(levels: Sequence[Any]) -> tuple[str, ...]:
    """Names of levels as R gives them: 2, not 2.0; all digits where two would look alike."""
    shown = [f"{v:.15g}" if isinstance(v, float) and math.isfinite(v) else str(v) for v in levels]
    return tuple(shown if len(set(shown)) == len(shown) else map(repr, levels))
