"""A formula's columns of a table, as numbers: what a model of several predictors is fitted to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simstudy.analysis.aliased import aliased
from simstudy.analysis.coding import coded
from simstudy.analysis.terms import Random, Terms, Variable
from simstudy.analysis.values import Levels, Numbers, Values, values_of
from simstudy.errors import UserError
from simstudy.moments import Bools, Floats, Ints
from simstudy.readers.labels import clusters
from simstudy.readers.read import read as read_table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Model:
    """Complete cases of a data set, sorted by cluster, as y and named columns.

    Attributes
    ----------
    terms : Terms
        The formula.
    names : tuple of str
        Of the columns; the first is the one under test. The intercept is none of them.
    matrix : array, shape (N, p)
    y : array, shape (N,)
    labels : list
        Of the clusters, sorted.
    sizes : array of int, shape (J,)
    levels : dict
        Predictor that is levels -> their names, the reference first.
    dropped : dict
        Column that is not in the model -> why: "constant", "a linear combination of ...".
    empty_levels : dict
        Predictor -> its levels that no complete row has.
    n_dropped : int
        Rows with a missing value.
    missing : dict
        Column -> rows in which it is missing, in words: "4 ('NA' 3, empty 1)".
    """

    terms: Terms
    names: tuple[str, ...]
    matrix: Floats
    y: Floats
    labels: list[Any]
    sizes: Ints
    levels: dict[str, tuple[str, ...]]
    dropped: dict[str, str]
    empty_levels: dict[str, tuple[str, ...]]
    n_dropped: int
    missing: dict[str, str]

    @property
    def n_obs(self) -> int:
        """Number of units N."""
        return int(self.y.size)

    @property
    def random(self) -> Random:
        """What varies over clusters; a slope is that of the first column."""
        return self.terms.random

    @property
    def remarks(self) -> list[str]:
        """What became of levels and columns, a line each."""
        lines = [f"{name}: {names[0]} is the reference" for name, names in self.levels.items()]
        for name, empty in self.empty_levels.items():
            plural = "levels" if len(empty) > 1 else "level"
            lines.append(f"{name}: {plural} {', '.join(empty)} without a complete row dropped")
        lines += [f"{name} dropped: {reason}" for name, reason in self.dropped.items()]
        return lines


def model(data: str | Path | pd.DataFrame, terms: Terms) -> Model:
    """Take a formula's columns from a file or a frame, and code them.

    Rows with a missing value in any of them are dropped and counted, then levels that are left
    without a row, then columns that are constant or depend on the ones before.

    Raises
    ------
    UserError
    """
    table = read_table(data)
    rows = table.whole(terms.columns)
    y = Numbers(rows.numbers(terms.outcome))
    values = {variable: values_of(table, rows, variable) for variable in terms.variables}
    codes, labels, lost = clusters(rows.labels(terms.random.cluster), own_order=True)
    missing: dict[str, Bools] = {terms.outcome: y.missing}
    for variable, value in values.items():
        missing[variable.column] = missing.get(variable.column, False) | value.missing
    missing[terms.random.cluster] = codes < 0
    complete = ~np.any(list(missing.values()), axis=0)
    if not complete.any():
        raise UserError(_incomplete(missing), file=table.file)
    order = np.flatnonzero(complete)[np.argsort(codes[complete], kind="stable")]
    there, sizes = np.unique(codes[complete], return_counts=True)
    chosen = {variable: value.at(order) for variable, value in values.items()}
    used = {variable: value for variable, (value, _) in chosen.items()}
    _check(terms, y.numbers[order], used, table.file)
    names, matrix = _columns(terms, used)
    dropped = aliased(names, matrix) if len(names) > 1 else {}  # of one, the methods say it
    if names[0] in dropped:
        said = f"'{names[0]}', the term under test, is {dropped[names[0]]}; put another one first"
        raise UserError(said, file=table.file)
    kept = [place for place, name in enumerate(names) if name not in dropped]
    words = {name: f"{int(where.sum()):,}" for name, where in missing.items() if where.any()}
    if lost:
        words[terms.random.cluster] = _counted(lost)
    return Model(
        terms,
        names=tuple(names[place] for place in kept),
        matrix=matrix[:, kept],
        y=y.numbers[order],
        labels=[labels[code] for code in there],
        sizes=sizes.astype(np.int64),
        levels={str(v): value.names for v, value in used.items() if isinstance(value, Levels)},
        dropped=dropped,
        empty_levels={str(v): empty for v, (_, empty) in chosen.items() if empty},
        n_dropped=int((~complete).sum()),
        missing=words,
    )


def _columns(terms: Terms, values: Mapping[Variable, Values]) -> tuple[tuple[str, ...], Floats]:
    """Names and columns; a lone predictor of two words keeps its name, as 0 and 1."""
    first = Variable(terms.variables[0].column)
    value = values.get(first)
    if terms.fixed == ((first,),) and isinstance(value, Levels) and len(value.names) == 2:
        return (first.column,), value.codes[:, None].astype(np.float64)
    return coded(terms.fixed, values)


def _check(terms: Terms, y: Floats, values: Mapping[Variable, Values], file: str) -> None:
    """Refuse what has no contrast, is infinite, or has no slope to vary."""
    for variable, value in values.items():
        if isinstance(value, Levels) and len(value.names) == 1:
            only = value.names[0][:40]
            message = f"column '{variable.column}' holds one word ('{only}') in the complete rows"
            raise UserError(f"{message}; levels are two or more", file=file)
    numbers = [y, *(value.numbers for value in values.values() if isinstance(value, Numbers))]
    if not all(np.isfinite(column).all() for column in numbers):
        raise UserError("infinite values in the outcome or a predictor", file=file)
    first = values[terms.variables[0]]
    if terms.random.slope is None or isinstance(first, Numbers):
        return
    if len(first.names) > 2 or not terms.random.correlated:
        what = "'||'" if len(first.names) == 2 else "a random slope"
        held = f"'{terms.random.slope}' holds {len(first.names)} words"
        raise UserError(f"'{terms.random}': {what} is for a column of numbers; {held}", file=file)


def _counted(words: Mapping[str, int]) -> str:
    """How many labels are missing, and by which words."""
    each = ", ".join(f"'{word}' {n:,}" if word else f"empty {n:,}" for word, n in words.items())
    return f"{sum(words.values()):,} ({each})"


def _incomplete(missing: Mapping[str, Bools]) -> str:
    """Why no row is complete: it may be one column that is empty."""
    if not all(rows.size for rows in missing.values()):
        return "no rows"
    empty = [f"'{name}'" for name, rows in missing.items() if rows.all()]
    plural = "columns" if len(empty) > 1 else "column"
    return f"{plural} {' and '.join(empty)}: no value is there" if empty else "no row is complete"
