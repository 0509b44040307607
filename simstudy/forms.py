"""How values are written in a study file, as data: checks and the schema read it.

A place is where a value stands: it has the `value`, and refuses it by file and line.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol, TypeVar

from simstudy.errors import nearest

T = TypeVar("T")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?) ?%")


class Place(Protocol):
    """A value and where it stands."""

    @property
    def value(self) -> Any:
        """The value: text, a number, true or false, nothing, or a list or mapping of values."""

    def __getitem__(self, key: str | int, /) -> Place:
        """What stands within: by its key, or by its number in a list."""

    def items(self) -> Sequence[Place]:
        """The values of a list."""

    def refuse(self, message: str, *inner: str | int) -> NoReturn:
        """Raise `UserError` that names this place, or one within."""

    def expect(self, kind: type, what: str) -> Any:
        """The value, which must be of a kind."""

    def allow(self, known: Iterable[str], words: Mapping[str, str], what: str = "key") -> None:
        """Refuse keys that are not known; `words` lead to what one may have meant."""

    def of_file(self, file: str, make: Callable[..., T], *rest: str) -> T:
        """What ``make(path, *rest)`` makes of a file that is named here, made once."""


class Form(Protocol):
    """What may stand at a place."""

    @property
    def summary(self) -> str:
        """What it is, in a few words."""

    def read(self, place: Place) -> Any:
        """The value, of the kind that it must be, or refuse it in its place."""

    def schema(self) -> dict[str, Any]:
        """JSON Schema of it."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number's range; `low` and `high` belong to it unless said to be open.

    With `infinite`, infinity is in it.
    """

    summary: str
    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False
    integer: bool = False
    infinite: bool = False

    @property
    def interval(self) -> str:
        """The range as people write it: [0, 1)."""
        left = "(" if self.low_open or math.isinf(self.low) else "["
        right = ")" if self.high_open or math.isinf(self.high) else "]"
        return f"{left}{_short(self.low)}, {_short(self.high)}{right}"

    def read(self, place: Place) -> float | int:
        """Return the number, an int where it must be one, or refuse it in its place."""
        value = place.value
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or (self.integer and value != value // 1):
            kind = "a whole number" if self.integer else "a number"
            place.refuse(f"expected {kind}, got {shown(value)}{self._of_percent(value)}")
        below = value < self.low or (self.low_open and value == self.low)
        above = value > self.high or (self.high_open and value == self.high)
        endless = self.infinite and value == math.inf
        within = endless or abs(value) <= sys.float_info.max  # 10**400 is no double
        if below or above or not within:
            place.refuse(f"{shown(value)} is not in {self.interval}")
        return int(value) if self.integer else float(value)

    def _of_percent(self, value: Any) -> str:
        """What to write instead of ``50%``."""
        percent = _PERCENT.fullmatch(value) if isinstance(value, str) else None
        share = float(percent[1]) / 100 if percent else -1.0
        within = self.low < share < self.high and not self.integer
        return f"; write {share:g}" if percent and within else ""

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


@dataclass(frozen=True, slots=True)
class Word:
    """One of some words; `meant` leads from other people's words to them."""

    summary: str
    known: tuple[str, ...]
    meant: Mapping[str, str] = field(default_factory=dict, hash=False)

    def read(self, place: Place) -> str:
        """Return the word, or refuse what stands there."""
        if place.value not in self.known:
            hint = nearest(str(place.value), self.known, self.meant)
            place.refuse(f"{shown(place.value)} is not {self.summary}{hint}")
        return str(place.value)

    def schema(self) -> dict[str, Any]:
        """JSON Schema of the word."""
        return {"enum": list(self.known)}


@dataclass(frozen=True, slots=True)
class Text:
    """Text that is not empty."""

    summary: str

    def read(self, place: Place) -> str:
        """Return the text, or refuse what stands there."""
        value = place.value
        if not isinstance(value, str) or not value.strip():
            number = isinstance(value, int | float) and not isinstance(value, bool)
            quoted = f'; write "{value}"' if number else ""
            place.refuse(f"expected text ({self.summary}), got {shown(value)}{quoted}")
        return value

    def schema(self) -> dict[str, Any]:
        """JSON Schema of the text."""
        return {"type": "string", "pattern": r"\S"}


@dataclass(frozen=True, slots=True)
class Several:
    """A list of values of one form, at least (and at most) so many."""

    summary: str
    each: Form
    least: int = 1
    most: int | None = None

    def read(self, place: Place) -> tuple[Any, ...]:
        """Return the values, or refuse them."""
        if not isinstance(place.value, list):
            place.refuse(f"expected {self.summary}, got {shown(place.value)}")
        if len(place.value) < self.least or (
            self.most is not None and len(place.value) > self.most
        ):
            place.refuse(f"expected {self.summary}, got a list of {len(place.value)}")
        return tuple(self.each.read(one) for one in place.items())

    def schema(self) -> dict[str, Any]:
        """JSON Schema of the list."""
        most = {} if self.most is None else {"maxItems": self.most}
        return {"type": "array", "items": self.each.schema(), "minItems": self.least, **most}


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping of known keys, each to a value of its form; all but `optional` must stand there."""

    summary: str
    forms: Mapping[str, Form] = field(hash=False)
    meant: Mapping[str, str] = field(default_factory=dict, hash=False)
    optional: tuple[str, ...] = ()

    def read(self, place: Place) -> dict[str, Any]:
        """Return the values that stand there by their keys, in the order of `forms`."""
        place.expect(dict, self.summary)
        place.allow(self.forms, self.meant)
        for key, form in self.forms.items():
            if key not in place.value and key not in self.optional:
                place.refuse(f"'{key}' is missing ({form.summary})")
        return {
            key: form.read(place[key]) for key, form in self.forms.items() if key in place.value
        }

    def schema(self) -> dict[str, Any]:
        """JSON Schema of the mapping."""
        return {
            "type": "object",
            "additionalProperties": False,
            "properties": {key: form.schema() for key, form in self.forms.items()},
            "required": [key for key in self.forms if key not in self.optional],
        }


@dataclass(frozen=True, slots=True)
class Either:
    """A mapping of one of some keys to a value of that key's form."""

    summary: str
    forms: Mapping[str, Form] = field(hash=False)
    meant: Mapping[str, str] = field(default_factory=dict, hash=False)

    def read(self, place: Place) -> tuple[str, Any]:
        """Return the key that stands there and its value."""
        place.expect(dict, self.summary)
        place.allow(self.forms, self.meant)
        if len(place.value) != 1:
            place.refuse(f"expected {self.summary}")
        (key,) = place.value
        return key, self.forms[key].read(place[key])

    def schema(self) -> dict[str, Any]:
        """JSON Schema of the mapping."""
        return {"anyOf": [Fields("", {key: form}).schema() for key, form in self.forms.items()]}


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


def flow(value: Any) -> str:
    """Write a value as it stands in a study file, in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    return str(value)


def numbers_of(read: Any) -> tuple[float, ...]:
    """The numbers that a form has read, one behind the other."""
    if isinstance(read, dict):
        return tuple(read.values())
    return read if isinstance(read, tuple) else (read,)


def nested(form: Form | None, numbers: tuple[float, ...]) -> Any:
    """Numbers as a form reads them: undoes `numbers_of`."""
    if isinstance(form, Fields):
        return dict(zip(form.forms, numbers, strict=True))
    return list(numbers) if isinstance(form, Several) else numbers[0]
