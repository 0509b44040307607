"""Rows of a study's summary that meet a condition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simstudy.errors import UserError
from simstudy.store import arrow
from simstudy.study.fields import DEFAULTS
from simstudy.where import Where, mask

if TYPE_CHECKING:
    import pyarrow as pa


def only(summary: pa.Table, where: Where) -> pa.Table:
    """Rows that meet a condition, or `UserError` where a field is unknown or no row does.

    Fields are the columns that say what a row is about, all before `value`, and the optional
    fields of a scenario that have no column because all scenarios leave them at their default.
    """
    names = summary.column_names
    about = names[: names.index("value")]
    none = np.zeros(summary.num_rows, dtype=np.int64)
    columns = {name: ([level], none) for name, level in DEFAULTS.items()}
    columns |= {
        name: arrow.levels_of(summary.column(name)) for name in about if name in where.fields
    }
    known = {name: columns[name][0] if name in columns else [] for name in (*about, *columns)}
    where.check(known)
    rows = np.flatnonzero(mask(where, columns))
    if not rows.size:
        raise UserError(f"no row is like that: {where.text}")
    return summary.take(arrow.integers(rows))
