"""Headings on two lines, legends of long names, blocks that fit."""

from __future__ import annotations

import re
from collections.abc import Sequence

_LINES = ((2, 16), (3, 20))  # of a heading at most, and how wide for that: tried in this order
LONGEST_LEVEL = 24


def wrapped(label: str, width: int) -> list[str] | None:
    """Break a label into at most three lines, as narrow as `width` if that can be.

    Breaks stand at blanks, before brackets, after commas, and after underscores of long
    words. None where three lines of twenty characters do not hold it.
    """
    pieces = _pieces(label)
    for most, widest in _LINES:
        for goal in range(max(width, 1), max(width, widest) + 1):
            lines = _filled(pieces, goal)
            if lines is not None and len(lines) <= most:
                return lines
    return None


def _pieces(label: str) -> list[str]:
    pieces = re.findall(r"[^\s\[,]+(?:,|\s+)?|\[[^\s,\]]*[,\]]?|[\s,]+", label)
    out = []
    for piece in pieces:
        parts = re.findall(r"[^_]*_|[^_]+$", piece) if len(piece.rstrip()) > 18 else [piece]
        out += parts
    return out


def _filled(pieces: list[str], width: int) -> list[str] | None:
    """Fill lines greedily; None where a piece is too long."""
    lines = [""]
    for piece in pieces:
        if len((lines[-1] + piece).rstrip()) <= width:
            lines[-1] += piece
        elif len(piece.rstrip()) <= width:
            lines.append(piece)
        else:
            return None
    return [line.strip() for line in lines if line.strip()] or [""]


class Legend:
    """Short names for long ones, explained below the table."""

    def __init__(self) -> None:
        self._short: dict[str, str] = {}

    def level(self, text: str, longest: int = LONGEST_LEVEL) -> str:
        """A level as it is, or (a), (b), ... where it is long."""
        if len(text) <= longest:
            return text
        k = len([s for s in self._short.values() if s[1].isalpha()])
        letters = ""
        while k >= 0:
            k, letters = k // 26 - 1, chr(97 + k % 26) + letters
        return self._short.setdefault(text, f"({letters})")

    def method(self, label: str, number: int, width: int) -> list[str]:
        """A method's heading on some lines, or its number where it is long."""
        lines = wrapped(label, width)
        return lines or [self._short.setdefault(label, f"({number})")]

    @property
    def lines(self) -> list[str]:
        """What the short names stand for."""
        return [f"{short} {text}" for text, short in self._short.items()]


def blocks(widths: Sequence[float], room: float) -> list[range]:
    """Columns that stand beside each other: as few blocks as fit, about as many in each."""
    fewest = _greedy(widths, room, len(widths))
    for most in range(1, len(widths) + 1):
        even = _greedy(widths, room, most)
        if len(even) == len(fewest):
            return even
    return fewest


def _greedy(widths: Sequence[float], room: float, most: int) -> list[range]:
    """Fill blocks in order; a column wider than the room has a block of its own."""
    filled: list[range] = []
    start = 0
    while start < len(widths):
        end, used = start + 1, widths[start]
        while end < len(widths) and end - start < most and used + widths[end] <= room:
            used += widths[end]
            end += 1
        filled.append(range(start, end))
        start = end
    return filled
