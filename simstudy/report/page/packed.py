"""Arrays and what is said of them as one text for the page, which its script unpacks.

gzip of: the length of a JSON text (4 bytes, little-endian), that text in UTF-8, then the arrays
one after another, each byte plane by byte plane: the first bytes of all its numbers, then the
second ones, and so on. Exponents stand beside exponents then, and a third less is left of doubles.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from simstudy.moments import Array, Floats

_LEVEL = 6  # of gzip: a tenth longer than at 9, in a third of the time


def packed(about: Mapping[str, Any], arrays: Mapping[str, Array]) -> str:
    """Base64 of both, the same for equal input; name, type and length of every array are added."""
    whole = {name: _narrow(values) for name, values in arrays.items()}
    listed = [{"name": name, "type": values.dtype.name, "length": values.size}
              for name, values in whole.items()]  # fmt: skip
    head = json.dumps({**about, "arrays": listed}, ensure_ascii=False, allow_nan=False).encode()
    planes = (values.view(np.uint8).reshape(-1, values.itemsize).T.tobytes()
              for values in whole.values())  # fmt: skip
    content = b"".join([len(head).to_bytes(4, "little"), head, *planes])
    return base64.b64encode(gzip.compress(content, _LEVEL, mtime=0)).decode("ascii")


def _narrow(values: Array) -> Array:
    """Little-endian; whole numbers in as few bytes as hold them, of which scripts know three."""
    values = np.ascontiguousarray(values)
    if values.dtype.kind == "b":
        return values.astype("u1")
    if values.dtype.kind in "iu":
        most = int(values.max(initial=0))
        kind = "u1" if most < 2**8 else "<u2" if most < 2**16 else "<u4" if most < 2**32 else "<f8"
        return values.astype(kind)
    return values.astype(values.dtype.newbyteorder("<"), copy=False)


def short(values: Floats) -> Array:
    """Numbers with seven digits, or as they are where some are too large for that."""
    with np.errstate(invalid="ignore"):
        large = (np.abs(values) > np.finfo(np.float32).max) & np.isfinite(values)
    return values if large.any() else values.astype(np.float32)
