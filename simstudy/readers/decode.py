"""Bytes as text, in the encodings people have."""

from __future__ import annotations

import codecs
import re

from simstudy.errors import UserError

_MARKS = (  # the longer ones first: that of UTF-16 begins that of UTF-32
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MULTIBYTE = re.compile(rb"[\xc3-\xf4][\x80-\xbf]")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_BINARY = 0.02  # share of control characters beyond which nobody wrote it as text


def decode(raw: bytes, file: str) -> str:
    """Text of UTF-8, -16 or -32, with or without a mark, or of Windows-1252 (so Latin-1)."""
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return _as(raw[len(mark) :], encoding, file)
    head = raw[:4096]
    if wide := _wide(head):
        return _as(raw, wide, file)
    if len(_CONTROL.findall(head)) > _BINARY * len(head):
        raise UserError("cannot be read: binary data of a kind that is not known", file=file)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return _one_byte(raw, error.start, file)


def _as(raw: bytes, encoding: str, file: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count("\n".encode(encoding)) + 1
        message = f"cannot be read: not {encoding[:6].upper().rstrip('-')} text, as its mark says"
        raise UserError(message, file=file, line=line) from None


def _wide(head: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of what is mostly Latin text is zero."""
    half = len(head) // 2
    even, odd = head[0 : 2 * half : 2].count(0), head[1 : 2 * half : 2].count(0)
    if half and odd > 0.4 * half and even < 0.05 * half:
        return "utf-16-le"
    return "utf-16-be" if half and even > 0.4 * half and odd < 0.05 * half else None


def _one_byte(raw: bytes, at: int, file: str) -> str:
    """Windows-1252, unless most of it is UTF-8 or it is no text at all."""
    line = raw[:at].count(b"\n") + 1
    if _CONTROL.search(raw):
        raise UserError("cannot be read: binary data of a kind that is not known", file=file)
    if _MULTIBYTE.search(raw[:at]):
        message = "cannot be read: not UTF-8 text here, though it is before; save it as UTF-8"
        raise UserError(message, file=file, line=line)
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        message = "cannot be read: neither UTF-8 nor Windows-1252 text; save it as UTF-8"
        raise UserError(message, file=file, line=line) from None
