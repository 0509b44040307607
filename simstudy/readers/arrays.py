"""Arrow to numpy without detours: pyarrow's own way imports pandas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from simstudy.moments import Array


def to_numpy(values: pa.Array) -> Array:
    """A primitive Arrow array as numpy; null becomes NaN."""
    valid, data = values.buffers()
    kind = np.dtype(str(values.type).replace("double", "float64"))
    if data is None:
        return np.zeros(0, dtype=kind)
    whole = np.frombuffer(data, dtype=kind)[values.offset : values.offset + len(values)]
    if values.null_count:
        bits = np.unpackbits(np.frombuffer(valid, dtype=np.uint8), bitorder="little")
        there = bits[values.offset : values.offset + len(values)].astype(bool)
        whole = np.where(there, whole, np.nan)
    return whole


def joined(values: Any) -> Any:
    """A chunked array as one array, whatever its length."""
    if not isinstance(values, pa.ChunkedArray):
        return values
    one = values.combine_chunks()
    return pa.concat_arrays(one.chunks) if isinstance(one, pa.ChunkedArray) else one


def first(there: Any) -> int | None:
    """Place of the first that is true, of an array or a chunked one."""
    import pyarrow.compute as pc

    found = pc.indices_nonzero(there)
    return int(found[0].as_py()) if len(found) else None
