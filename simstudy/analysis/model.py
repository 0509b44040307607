"""A formula's columns of a table, as the numbers that methods are fitted to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from simstudy.analysis.aliased import aliased
from simstudy.analysis.coding import coded
from simstudy.analysis.data import DataSet
from simstudy.analysis.terms import Terms, Variable
from simstudy.analysis.values import Levels, Numbers, Values, values_of
from simstudy.errors import UserError
from simstudy.moments import Bools, Floats
from simstudy.readers.labels import clusters
from simstudy.readers.read import read as read_table

if TYPE_CHECKING:
    import pandas as pd


def model(data: str | Path | pd.DataFrame, terms: Terms) -> DataSet:
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
    levels, values = _lone_words(terms, values)
    codes, labels, lost = clusters(rows.labels(terms.random.cluster), own_order=True)
    missing = _missing(terms, y, values) | {terms.random.cluster: codes < 0}
    complete = ~np.any(list(missing.values()), axis=0)
    if not complete.any():
        raise UserError(_incomplete(missing), file=table.file)
    order = np.flatnonzero(complete)[np.argsort(codes[complete], kind="stable")]
    there, sizes = np.unique(codes[complete], return_counts=True)
    chosen = {variable: value.at(order) for variable, value in values.items()}
    used = {variable: value for variable, (value, _) in chosen.items()}
    empty = {variable: names for variable, (_, names) in chosen.items() if names}
    _refuse_one_word(used, empty, table.file)
    _check(terms, y.numbers[order], used, table.file)
    names, matrix, dropped = _columns(terms, used, table.file)
    words = {name: f"{int(where.sum()):,}" for name, where in missing.items() if where.any()}
    if lost:
        words[terms.random.cluster] = _counted(lost)
    return DataSet(
        terms,
        names=names,
        matrix=matrix,
        y=y.numbers[order],
        labels=[labels[code] for code in there],
        sizes=sizes.astype(np.int64),
        levels=levels | {str(v): of.names for v, of in used.items() if isinstance(of, Levels)},
        dropped=dropped,
        empty_levels={str(variable): names for variable, names in empty.items()},
        n_dropped=int((~complete).sum()),
        missing=words,
    )


def _missing(terms: Terms, y: Numbers, values: Mapping[Variable, Values]) -> dict[str, Bools]:
    """Columns and the rows in which they are missing."""
    missing: dict[str, Bools] = {terms.outcome: y.missing}
    for variable, value in values.items():
        missing[variable.column] = missing.get(variable.column, False) | value.missing
    return missing


def _columns(
    terms: Terms, values: Mapping[Variable, Values], file: str
) -> tuple[tuple[str, ...], Floats, dict[str, str]]:
    """Names and columns, and why others are dropped."""
    names, matrix = coded(terms.fixed, values)
    if terms.outcome in names:
        reason = f"a column of the model would be called '{terms.outcome}', as the outcome is"
        raise UserError(f"{reason}; rename one", file=file)
    dropped = aliased(names, matrix) if len(names) > 1 else {}  # of one, the methods say it
    if names[0] in dropped:
        said = f"'{names[0]}', the term under test, is {dropped[names[0]]}; put another one first"
        raise UserError(said, file=file)
    kept = [place for place, name in enumerate(names) if name not in dropped]
    return tuple(names[place] for place in kept), matrix[:, kept], dropped


def _lone_words(
    terms: Terms, values: dict[Variable, Values]
) -> tuple[dict[str, tuple[str, ...]], dict[Variable, Values]]:
    """A lone predictor of two words keeps its name, as 0 and 1: its words, and these numbers.

    They are in sorted order, as in `x: {file}`, whatever order a categorical has.
    """
    variable, value = next(iter(values.items()))
    lone = terms.fixed == ((Variable(variable.column),),) and terms.random.slope is None
    if not (lone and isinstance(value, Levels)):
        return {}, values
    words = tuple(sorted(value.names[code] for code in np.unique(value.codes[~value.missing])))
    if len(words) != 2:
        return {}, values
    is_second = value.codes == value.names.index(words[1])
    return {variable.column: words}, {variable: Numbers(np.where(value.missing, np.nan, is_second))}


def _refuse_one_word(
    values: Mapping[Variable, Values], empty: Mapping[Variable, tuple[str, ...]], file: str
) -> None:
    for variable, value in values.items():
        if isinstance(value, Levels) and len(value.names) == 1:
            where = " in the complete rows" if variable in empty else ""
            message = f"column '{variable.column}' holds one word ('{value.names[0][:40]}'){where}"
            raise UserError(f"{message}; a predictor is numbers, or two words or more", file=file)


def _check(terms: Terms, y: Floats, values: Mapping[Variable, Values], file: str) -> None:
    """Refuse what is infinite, or has no slope to vary."""
    numbers = [y, *(value.numbers for value in values.values() if isinstance(value, Numbers))]
    if not all(np.isfinite(column).all() for column in numbers):
        the = "the" if len(values) == 1 else "a"
        raise UserError(f"infinite values in the outcome or {the} predictor", file=file)
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
