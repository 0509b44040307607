"""Pandas' categoricals as Arrow dictionaries."""

from __future__ import annotations

from typing import Any

import pyarrow as pa


def dictionary(values: Any) -> pa.DictionaryArray:
    """A categorical in the order of its levels, periods and intervals as text."""
    import pandas as pd

    levels = values.categories
    if isinstance(levels.dtype, pd.PeriodDtype | pd.IntervalDtype):
        levels = [str(level) for level in levels]
    codes = values.codes.to_numpy()
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), pa.array(levels))
