"""Measures as the rows of a summary."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from simstudy.errors import UserError
from simstudy.estimands import is_null
from simstudy.measures.bradley import VERDICTS, verdict
from simstudy.measures.names import Asked
from simstudy.measures.values import NAN, Column
from simstudy.moments import Array, Bools, Floats, Ints
from simstudy.store import arrow
from simstudy.study.fields import DEFAULTS
from simstudy.where import Where, mask
from simstudy.where import known as levels_text

VERDICT = "verdict"
OF_ANYBODY = {b"simstudy": b"groups of anybody's"}  # in the schema: columns of any name


def rows(made: Sequence[Column]) -> tuple[Ints, Bools, dict[str, pa.Array]]:
    """Group of each row, the mask (groups, columns) of rows, and the columns of a summary.

    measure, alpha, value, mcse, ci_low, ci_high, n_used, n_not_used; null is no number.
    """
    defined = np.stack([column.defined for column in made], axis=1)
    group, measure = np.nonzero(defined)
    columns = {"measure": words(measure, [column.measure for column in made])}
    columns["alpha"] = arrow.doubles(np.array([column.alpha for column in made])[measure])
    for k, name in enumerate(("value", "mcse", "ci_low", "ci_high")):
        columns[name] = arrow.doubles(np.stack([c.value[k] for c in made], axis=1)[defined])
    for name in ("n_used", "n_not_used"):
        counts = np.stack([getattr(column, name) for column in made], axis=1)
        columns[name] = arrow.integers(counts[defined].astype(np.int64))
    return group, defined, columns


def verdicts(
    made: Sequence[Column], truth: Floats, null_value: Floats | float, defined: Bools
) -> pa.Array:
    """Bradley's verdict, liberal band, of rejection rates where the null is true; else null."""
    null = np.asarray(is_null(truth, null_value))
    low, high = (
        np.stack([np.where(null, c.value[k], NAN) if c.measure == "rejection_rate"
                  else np.full(truth.shape, NAN) for c in made], axis=1)
        for k in (2, 3)
    )  # fmt: skip
    codes = verdict(low, high, np.array([column.alpha for column in made]))
    return words(codes[defined] % (len(VERDICTS) + 1), [*VERDICTS, None])


def only_asked(summary: pa.Table, wanted: Sequence[Asked]) -> pa.Table:
    """Rows of what is asked for, in the order of the summary; all where nothing is."""
    if not wanted:
        return summary
    columns = (summary.column(name).to_pylist() for name in ("measure", "truth", "null_value"))
    chosen = [
        any(
            asked.measure == measure
            and (asked.null is None or (truth is not None and asked.null == is_null(truth, null)))
            for asked in wanted
        )
        for measure, truth, null in zip(*columns, strict=True)
    ]
    return summary.take(arrow.integers(np.flatnonzero(chosen)))


def only_where(summary: pa.Table, where: Where) -> pa.Table:
    """Rows that meet a condition, or `UserError` where a field is unknown or no row does.

    Fields are the columns that say what a row is about, all before `value`, and the optional
    fields of a scenario that have no column because all scenarios leave them at their default.
    """
    names = summary.column_names
    about = names[: names.index("value")]
    none = np.zeros(summary.num_rows, dtype=np.int64)
    inner = {name.partition(".")[0] for name in about}
    columns = {name: ([level], none) for name, level in DEFAULTS.items() if name not in inner}
    columns |= {
        name: arrow.levels_of(summary.column(name)) for name in about if name in where.fields
    }
    known = {name: columns[name][0] if name in columns else [] for name in (*about, *columns)}
    where.check(known)
    rows = np.flatnonzero(mask(where, columns))
    if not rows.size:
        has = "; ".join(f"{field} is {levels_text(known[field])}" for field in where.fields)
        raise UserError(f"no row is like that: {where.text} ({has})")
    return summary.take(arrow.integers(rows))


def words(codes: Array, of: Sequence[str | None]) -> pa.Array:
    """Text by its index."""
    return arrow.texts(of).take(arrow.integers(codes))
