"""What the footer of every parquet file of ours says of that file.

This is format. A seal is the number of the format and a sum over all other bytes: what a disk
lost or a hand changed never passes for what was written. The number is read first, since a
later format may add up in another way.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simstudy.errors import UserError

FORMAT = 1  # a footer without a number is of format 0, which may have no sum
KEY = b"simstudy"
_DIGITS = 16
_SUM = b'"sum": "'
_NO_SUM = "=" * _DIGITS


def footer(said: Mapping[str, Any]) -> dict[bytes, bytes]:
    """A footer's entry, with the number of the format and room for the sum."""
    whole = dict(said) | {"format": FORMAT, "sum": _NO_SUM}
    return {KEY: json.dumps(whole, sort_keys=True).encode()}


def summed(content: Any) -> tuple[Any, bytes, Any]:
    """A file with that footer, in memory, as three pieces: the sum and what is around it."""
    whole = memoryview(content)
    at, total = _sum(whole)
    return whole[:at], total, whole[at + _DIGITS :]


def fits(content: bytes) -> bool | None:
    """Whether a file is what was written; None where it has no sum."""
    at, total = _sum(memoryview(content))
    return content[at : at + _DIGITS] == total if at else None


def said(metadata: Mapping[bytes, bytes] | None) -> dict[str, Any]:
    """What a footer says; `ValueError` where that is no JSON."""
    try:
        content = json.loads((metadata or {}).get(KEY, b"{}"))
    except RecursionError:
        raise ValueError("a footer is nested too deeply") from None
    return content if isinstance(content, dict) else {}


def refuse_newer(file: str, content: bytes) -> None:
    """Refuse a file of a later format than this version knows."""
    with suppress(pa.ArrowException, OSError, ValueError):
        refuse_later(file, said(pq.read_metadata(pa.BufferReader(content)).metadata))


def refuse_later(file: str, footer: Mapping[str, Any]) -> None:
    """The same, where the footer is known."""
    number = footer.get("format", 0)
    if isinstance(number, int) and number > FORMAT:
        by = f"simstudy {footer['simstudy']}" if footer.get("simstudy") else "a later simstudy"
        message = f"is of format {number}, written by {by}; this version reads up to {FORMAT}"
        raise UserError(f"{message}: install the later one", file=file)


def _sum(content: memoryview) -> tuple[int, bytes]:
    """Where the sum stands, 0 for nowhere, and what it should be: of all other bytes, as words."""
    tail = max(0, len(content) - (1 << 16))
    at = bytes(content[tail:]).rfind(_SUM)
    if at < 0:
        return 0, b""
    at += tail + len(_SUM)
    total = 0
    for piece in (content[:at], content[at + _DIGITS :]):
        whole = len(piece) // 8 * 8
        total += int(np.add.reduce(np.frombuffer(piece[:whole], np.uint64)))
        total += int.from_bytes(piece[whole:], "little")
    return at, f"{total % (1 << 64):0{_DIGITS}x}".encode()
