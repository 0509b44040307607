"""``[for some] MEASURE of METHOD < NUMBER ...``: one claim, word by word.

Read by hand, from left to right; nothing in it is ever evaluated. What its words name, and
whether there is such a thing, the study says: see `study.claims`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NoReturn

from simstudy.errors import UserError
from simstudy.where import LONGEST, Where, cut, number_of, parse, quotation, quoted

GRAMMAR = (
    "[for some] MEASURE of METHOD (< | <= | > | >=) (NUMBER | METHOD) [at alpha A] [where ...], "
    "or ... of METHOD between A and B ..."
)
UNITS = "units are those of the summary: a rate is a share (0.05), what is in percent has points"
_EXAMPLE = "such as: type1_error of pooled > 0.1 where icc >= 0.2"
_OPERATORS = ("<=", ">=", "<", ">")  # the longer ones first
_OTHERS = ("==", "!=", "=")
_WORD = re.compile(r'[^\s"<>]+')


@dataclass(frozen=True, slots=True)
class Range:
    """Where a value is to be.

    Attributes
    ----------
    low, high : float
    open : bool
        Whether the bounds are outside it.
    """

    low: float
    high: float
    open: bool = False

    def holds(self, low: Any, high: Any) -> Any:
        """Whether all of an interval is inside; of arrays, for each."""
        if self.open:
            return (self.low < low) & (high < self.high)
        return (self.low <= low) & (high <= self.high)

    def misses(self, low: Any, high: Any) -> Any:
        """Whether all of an interval is outside."""
        if self.open:
            return (high <= self.low) | (self.high <= low)
        return (high < self.low) | (self.high < low)


@dataclass(frozen=True, slots=True)
class Words:
    """What a claim says, its names as they were written.

    Attributes
    ----------
    some : bool
        Whether it is about some cell; else about all.
    measure, method : str
    against : str, optional
        The other method.
    range : Range
        Where the measure is to be; with another method, less that one's.
    alpha : float, optional
    where : Where, optional
    """

    some: bool
    measure: str
    method: str
    against: str | None
    range: Range
    alpha: float | None
    where: Where | None


def read(text: Any) -> Words:
    """Read a claim, or refuse it in one line.

    Raises
    ------
    UserError
        One line that says where it breaks off and what would be right.
    """
    if not isinstance(text, str) or not text.strip():
        raise UserError(f"expected a claim, {_EXAMPLE}")
    if len(text) > LONGEST:
        raise UserError(f"has {len(text):,} characters, more than {LONGEST:,}")
    return _Reader(text).claim()


class _Reader:
    """What of a claim is still to be read."""

    def __init__(self, text: str) -> None:
        self.rest = text.strip()
        self._before = ""

    def claim(self) -> Words:
        """All of it."""
        some = self._takes("for", "some")
        if not some and self._takes("for", "all"):
            raise UserError("a claim is about all cells unless it begins with 'for some'")
        measure = self._word("a measure")
        self._expect("of")
        method = self._word("a method")
        against, bounds = self._comparison()
        alpha = self._alpha() if self._takes("at", "alpha") else None
        where = None
        if self._takes("where"):
            where = self._where()
        if self.rest:
            more = "'at alpha' or 'where'" if alpha is None else "'where'"
            self._refuse(more, after_method=against is not None and alpha is None)
        return Words(some, measure, method, against, bounds, alpha, where)

    def _comparison(self) -> tuple[str | None, Range]:
        """What a measure is held against: another method, if any, and a range."""
        if self._takes("between"):
            low = self._number("after 'between'")
            self._expect("and")
            high = self._number("after 'and'")
            if low > high:
                raise UserError(f"between {low:g} and {high:g}: the smaller number comes first")
            return None, Range(low, high)
        op = next((op for op in _OPERATORS if self.rest.startswith(op)), None)
        if op is None:
            self._refuse("one of < <= > >=, or 'between'", after_method=True)
        self.rest, self._before = self.rest[len(op) :].lstrip(), op
        is_method = self.rest.startswith('"')
        word = self._word("a number or a method")
        bound = None if is_method else _number(word)
        against = word if bound is None else None
        ends = (-float("inf"), bound or 0.0) if op[0] == "<" else (bound or 0.0, float("inf"))
        return against, Range(*ends, open=len(op) == 1)

    def _alpha(self) -> float:
        return self._number("after 'at alpha'")

    def _where(self) -> Where:
        try:
            where = parse(self.rest)
        except UserError as error:
            raise UserError(f"where: {error}") from None
        self.rest = ""
        return where

    def _number(self, where: str) -> float:
        word = self._word(f"a number {where}")
        number = _number(word)
        if number is None:
            raise UserError(f"{where} expected a number, got '{cut(word)}'")
        return number

    def _word(self, what: str) -> str:
        """The next word, or text in double quotes."""
        if self.rest.startswith('"'):
            word, rest = quoted(self.rest)
        elif match := _WORD.match(self.rest):
            word, rest = match[0], self.rest[match.end() :]
        else:
            self._refuse(what)
        self.rest, self._before = rest.lstrip(), word
        return word

    def _expect(self, word: str) -> None:
        if not self._takes(word):
            self._refuse(f"'{word}'")

    def _takes(self, *words: str) -> bool:
        """Whether these words come next; then they are read."""
        match = re.match(r"\s+".join(words) + r"(?=[\s\"]|$)", self.rest, re.IGNORECASE)
        if match is not None:
            self.rest, self._before = self.rest[match.end() :].lstrip(), " ".join(words)
        return match is not None

    def _refuse(self, expected: str, after_method: bool = False) -> NoReturn:
        """Say what was expected here, and what stands there instead."""
        after = f"after '{cut(self._before)}' " if self._before else ""
        got = quotation(self.rest.split()[0]) if self.rest else "nothing"
        message = f"{after}expected {expected}, got {got}"
        if self.rest.startswith(_OTHERS):
            message += "; no interval is a single number: write between A and B"
        elif self.rest and after_method:
            message += "; a method with blanks is in double quotes"
        raise UserError(message)


def _number(word: str) -> float | None:
    """A number; None where a word is none."""
    if word.endswith("%") and number_of(word[:-1]) is not None:
        raise UserError(f"'{cut(word)}' is no number; {UNITS}")
    number = number_of(word)
    return None if number is None else float(number)
