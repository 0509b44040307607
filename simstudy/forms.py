"""How values are written in a study file, as data: checks and the schema read it.

A place is where a value stands: it has the `value`, and refuses it by file and line.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Number:
    """A number's range; `low` and `high` belong to it unless said to be open."""

    summary: str
    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False
    integer: bool = False

    @property
    def interval(self) -> str:
        """The range as people write it: [0, 1)."""
        left = "(" if self.low_open or math.isinf(self.low) else "["
        right = ")" if self.high_open or math.isinf(self.high) else "]"
        return f"{left}{_short(self.low)}, {_short(self.high)}{right}"

    def read(self, place: Any) -> float | int:
        """Return the number, an int where it must be one, or refuse it in its place."""
        value = place.value
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or (self.integer and value != value // 1):
            kind = "a whole number" if self.integer else "a number"
            place.refuse(f"expected {kind}, got {shown(value)}")
        below = value < self.low or (self.low_open and value == self.low)
        above = value > self.high or (self.high_open and value == self.high)
        if below or above or not math.isfinite(value):
            place.refuse(f"{shown(value)} is not in {self.interval}")
        return int(value) if self.integer else float(value)

    def schema(self) -> dict[str, Any]:
        """JSON Schema of the number."""
        out: dict[str, Any] = {"type": "integer" if self.integer else "number"}
        if not math.isinf(self.low):
            out["exclusiveMinimum" if self.low_open else "minimum"] = _short(self.low, text=False)
        if not math.isinf(self.high):
            out["exclusiveMaximum" if self.high_open else "maximum"] = _short(self.high, text=False)
        return out


def _short(value: float, *, text: bool = True) -> Any:
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    number = int(value) if value == int(value) else value
    return str(number) if text else number


def shown(value: Any) -> str:
    """Show a value in an error, short."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
