"""Numbers as people write them: decimal commas, thousands, missing."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from simstudy.readers.arrays import first

# words for a missing value, as R, pandas, Stata, SAS, SPSS and Excel write them
MISSING = (
    "", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "NaN", "nan", "-nan", "-NaN", "null", "NULL",
    "None", "NaT", ".", "-",
)  # fmt: skip
# as patterns: pyarrow imports pandas to make an array of a list, or a scalar
IS_MISSING = "^(?:" + "|".join(map(re.escape, MISSING)) + ")$"
_IS_MISSING_NUMBER = f"(?i){IS_MISSING}"

_EXPONENT = r"(?:[eE][+-]?\d+)?"
_COMMA = rf"^[+-]?(?:\d+,\d*|,\d+){_EXPONENT}$"  # a decimal comma or one thousand
_POINT = rf"^[+-]?(?:\d+\.\d*|\.\d+){_EXPONENT}$"
_THOUSAND_COMMA = r"^[+-]?[1-9]\d{0,2},\d{3}$"  # may be either
_THOUSAND_POINT = r"^[+-]?[1-9]\d{0,2}\.\d{3}$"
_THOUSANDS = (r"^[+-]?[1-9]\d{0,2}(?:(?:,\d{3}){2,}(?:\.\d*)?|,\d{3}\.\d*|(?:\.\d{3}){2,}(?:,\d*)?"
              r"|\.\d{3},\d*|(?:['’ \x{a0}\x{202f}]\d{3})+(?:[.,]\d*)?)$")  # fmt: skip
_SIGNS = {"\u2212": "write its minus sign as a hyphen", "%": "write the number without %"}
_PYTHON_THOUSANDS = re.compile(_THOUSANDS.replace(r"\x{a0}\x{202f}", "\u00a0\u202f"))
_NUMBER = re.compile(rf"[+-]?(?:\d+[.,]?\d*|[.,]\d+){_EXPONENT}")


class Unreadable(Exception):  # noqa: N818
    """A text that is no number: its row and what is wrong with it."""

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(reason)
        self.row = row
        self.reason = reason


class Style(NamedTuple):
    """What the other columns say of decimal commas: some for sure, and some points for sure."""

    comma: bool = False
    point: bool = False


NOTHING = Style()


def is_number(word: str) -> bool:
    """Whether a word is a number with a decimal point or comma."""
    return _NUMBER.fullmatch(word.strip()) is not None


def style(words: list[str]) -> Style:
    """Style of the numbers among words of any kind; 1,234 and 1.234 say nothing."""
    comma = point = False
    for raw in words:
        word = raw.strip()
        comma |= bool(re.match(_COMMA, word)) and not re.match(_THOUSAND_COMMA, word)
        point |= bool(re.match(_POINT, word)) and not re.match(_THOUSAND_POINT, word)
    return Style(comma, point)


def parse(texts: pa.Array, others: Style) -> Any:
    """Text as float64, NaN where missing, each the double nearest to what is written.

    Raises
    ------
    Unreadable
        With the first row that is no number, or that may be two different ones.
    """
    words = pc.utf8_trim_whitespace(texts)
    missing = pc.match_substring_regex(words, _IS_MISSING_NUMBER)
    words = pc.if_else(missing, pa.nulls(len(words), words.type), words)
    commas = pc.any(pc.match_substring(words, ",")).as_py()
    if commas or (others.comma and not others.point):
        words = _with_points(words, others)
    try:
        return words.cast(pa.float64())
    except pa.ArrowInvalid:
        return _one_by_one(words)


def _with_points(words: pa.Array, others: Style) -> pa.Array:
    """Decimal commas as points, or `Unreadable` where that would be a guess."""
    comma, point = (pc.match_substring_regex(words, kind) for kind in (_COMMA, _POINT))
    either = pc.match_substring_regex(words, _THOUSAND_COMMA)
    neither = pc.match_substring_regex(words, _THOUSAND_POINT)
    sure_comma, sure_point = pc.and_not(comma, either), pc.and_not(point, neither)
    many = pc.match_substring_regex(words, _THOUSANDS)
    _stop(words, many, "{} has a thousands separator; write the number without it")
    any_comma, any_point = first(sure_comma), first(sure_point)
    if any_comma is not None and any_point is not None:
        row = max(any_comma, any_point)
        other = words[min(any_comma, any_point)].as_py()
        raise Unreadable(row, f"'{words[row]}' beside '{other}': is the decimal mark , or .?")
    if any_point is not None:
        _stop(words, either, "{} has a thousands separator; write the number without it")
        return words
    by_others = others.comma and not others.point
    if any_comma is not None or by_others:
        _stop(words, neither, "{} beside decimal commas: are these thousands, or is . a mistake?")
    else:
        _stop(words, either, "{} may be a decimal comma or a thousands separator; write a point")
    return pc.if_else(comma, pc.replace_substring(words, ",", "."), words)


def _stop(words: pa.Array, there: pa.Array, message: str) -> None:
    row = first(there)
    if row is not None:
        raise Unreadable(row, message.format(f"'{words[row]}'"))


def _one_by_one(words: pa.Array) -> Any:
    """Words that are all true or false, or `Unreadable` with the first that is no number."""
    different = words.unique()
    lower = {word.lower() for word in different.to_pylist() if word is not None}
    if lower <= {"true", "false"}:
        return pc.match_substring_regex(words, "(?i)^true$").cast(pa.float64())
    bad = []
    for word in different.drop_null():
        try:
            word.cast(pa.float64())
        except pa.ArrowInvalid:
            bad.append(word.as_py())
    row = first(pc.is_in(words, pa.array(bad, words.type)))
    word = bad[0] if row is None else words[row].as_py()
    if _PYTHON_THOUSANDS.match(word):
        raise Unreadable(row or 0, f"'{word}' has a thousands separator; write it without")
    hint = next((f"; {hint}" for sign, hint in _SIGNS.items() if sign in word), "")
    raise Unreadable(row or 0, f"it holds '{word[:40]}'{hint}")
