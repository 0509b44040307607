"""Numpy and lists to Arrow without detours.

``pyarrow.array`` imports pandas to see whether it was given any of it, which costs a small
study more than its simulation; these say what they hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from simstudy.moments import Array
from simstudy.readers.arrays import joined as joined
from simstudy.readers.arrays import to_numpy as to_numpy


def integers(values: Array | Sequence[int]) -> pa.Array:
    """Whole numbers of the array's own width; lists become 64-bit."""
    whole = np.ascontiguousarray(values)
    kind = pa.from_numpy_dtype(whole.dtype)
    return pa.Array.from_buffers(kind, whole.size, [None, pa.py_buffer(whole)])


def doubles(values: Array | Sequence[float | None]) -> pa.Array:
    """Doubles; NaN and None become null."""
    whole = np.ascontiguousarray(values, dtype=np.float64)
    missing = np.isnan(whole)
    valid = None
    if missing.any():
        valid = pa.py_buffer(np.packbits(~missing, bitorder="little"))
    return pa.Array.from_buffers(pa.float64(), whole.size, [valid, pa.py_buffer(whole)])


def texts(values: Sequence[str | None]) -> pa.Array:
    """Strings; None becomes null."""
    encoded = [b"" if value is None else value.encode("utf-8", "backslashreplace")
               for value in values]  # fmt: skip
    ends = np.cumsum([0, *(len(word) for word in encoded)], dtype=np.int32)
    valid = None
    if any(value is None for value in values):
        known = np.array([value is not None for value in values])
        valid = pa.py_buffer(np.packbits(known, bitorder="little"))
    buffers = [valid, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(encoded), buffers)


def categories(codes: Array, words: Sequence[str]) -> pa.Array:
    """Text given as an index into `words`."""
    return pa.DictionaryArray.from_arrays(integers(codes), _words(tuple(words)), safe=False)


@lru_cache(maxsize=64)
def _words(words: tuple[str, ...]) -> pa.Array:
    return texts(words)


def levels_of(values: pa.ChunkedArray) -> tuple[list[Any], Array]:
    """Levels of a column, and the index of each row's; that of a missing one is their number."""
    if pa.types.is_dictionary(values.type):  # which may have levels that no row has
        values = values.cast(values.type.value_type)
    encoded = joined(values).dictionary_encode()
    levels = encoded.dictionary.to_pylist()
    codes = to_numpy(encoded.indices)  # NaN, not null, where there is none
    index = np.nan_to_num(codes, nan=len(levels)) if encoded.indices.null_count else codes
    return levels, index.astype(np.int64)


def listed(values: pa.ChunkedArray) -> list[Any]:
    """As `to_pylist`, which makes each number by itself."""
    numbers = pa.types.is_float64(values.type) or pa.types.is_integer(values.type)
    if not numbers or values.null_count:
        return values.to_pylist()
    return to_numpy(joined(values)).tolist()


def equal_to(values: pa.ChunkedArray, value: float | str) -> pa.Array:
    """Positions of the entries that are `value`, for `take`."""
    encoded = joined(values).dictionary_encode()
    words = encoded.dictionary.to_pylist()
    code = words.index(value) if value in words else -1
    return integers(np.flatnonzero(to_numpy(encoded.indices) == code))
