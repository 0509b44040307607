"""``FIELD OP VALUE and ...``, which scenarios, methods or rows are meant.

One grammar for `--where`, `when:` and all that chooses by levels. It is read character by
character and compared level by level: nothing in it is ever evaluated.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from simstudy.errors import UserError, nearest

OPERATORS = ("==", "!=", "<=", ">=", "=", "<", ">")  # the longer ones first
GRAMMAR = 'FIELD OP VALUE and ..., such as: icc > 0 and method = "random intercept"'
LONGEST = 10_000  # characters
_DIGITS = 300  # of a whole number, which is below all doubles then
_AND = "and"
_FIELD = re.compile(r'[^\s"=!<>]+')
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_USUAL = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?(e[-+]?\d+)?", re.ASCII)  # 01 is a label
_CLOSE = 1e-12  # .3 is .1 + .2
_WORDS = ("or", "&", "&&", "|", "||", ",")  # other grammars' words for joining
_ORDERED = {"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (1, 0)}


class Term(NamedTuple):
    """One comparison, as written."""

    field: str
    op: str
    value: str

    @property
    def text(self) -> str:
        """The comparison in the grammar's own words."""
        plain = _FIELD.fullmatch(self.field) and self.field.lower() != _AND
        field = self.field if plain else _in_quotes(self.field)
        return f"{field} {self.op} {written(self.value)}"

    def holds(self, level: Any) -> bool:
        """Whether a level meets it; a missing one is equal to nothing."""
        if self.op in ("=", "==", "!="):
            return _equal(level, self.value) == (self.op != "!=")
        order = _order(level, self.value)
        return order is not None and order in _ORDERED[self.op]


@dataclass(frozen=True, slots=True)
class Where:
    """Comparisons of which all must hold.

    Attributes
    ----------
    terms : tuple of Term
    """

    terms: tuple[Term, ...]

    @property
    def text(self) -> str:
        """The condition in the grammar's own words."""
        return f" {_AND} ".join(term.text for term in self.terms)

    @property
    def fields(self) -> tuple[str, ...]:
        """Fields it asks for, each once."""
        return tuple(dict.fromkeys(term.field for term in self.terms))

    def holds(self, levels: Mapping[str, Any]) -> bool:
        """Whether levels, by field, meet all comparisons."""
        return all(term.holds(levels.get(term.field)) for term in self.terms)

    def check(
        self, levels: Mapping[str, Sequence[Any]], synonyms: dict[str, str] | None = None
    ) -> None:
        """Refuse a field that is not there, or a comparison that no level can be put to.

        Parameters
        ----------
        levels : mapping
            Field -> the levels that there are.
        synonyms : dict, optional
            Other words for fields.

        Raises
        ------
        UserError
            One line.
        """
        for term in self.terms:
            if term.field not in levels:
                hint = nearest(term.field, levels, synonyms)
                raise UserError(f"unknown field '{cut(term.field)}'{hint}")
            _refuse(term, [level for level in levels[term.field] if not _is_missing(level)])


def parse(text: Any) -> Where:
    """Read a condition, or refuse it in one line.

    Parameters
    ----------
    text : str
        ``FIELD OP VALUE and ...``; OP is = == != < <= > >=. A field or value that holds blanks
        stands in double quotes, in which a double quote is written twice.

    Returns
    -------
    Where

    Raises
    ------
    UserError
        One line that says where it breaks off and what would be right.
    """
    if not isinstance(text, str):
        raise UserError(f"expected text: {GRAMMAR}")
    if len(text) > LONGEST:
        raise UserError(f"has {len(text):,} characters, more than {LONGEST:,}")
    rest = text.lstrip()
    if not rest:
        raise UserError(f"is empty; expected {GRAMMAR}")
    terms = []
    while True:
        term, rest = _term(rest)
        terms.append(term)
        if not rest.strip():
            return Where(tuple(terms))
        rest = _joined(rest)


def mask(where: Where, columns: Mapping[str, tuple[Sequence[Any], Any]]) -> Any:
    """Rows that meet a condition, from columns as (levels, index of each row's level).

    Parameters
    ----------
    where : Where
    columns : mapping
        Field -> (levels, array of int of shape (n,)); an index beyond the levels is missing.

    Returns
    -------
    array of bool, shape (n,)
    """
    import numpy as np

    masks = []
    for term in where.terms:
        levels, index = columns[term.field]
        meets = np.array([term.holds(level) for level in (*levels, None)], dtype=bool)
        masks.append(meets[np.minimum(index, len(levels))])
    return np.logical_and.reduce(masks)


def _term(text: str) -> tuple[Term, str]:
    """The first comparison of a text, and what follows it."""
    field, rest = _field(text)
    op = next((op for op in OPERATORS if rest.startswith(op)), None)
    if op is None:
        got = quotation(rest.split()[0]) if rest else "nothing"
        raise UserError(f"after '{cut(field)}' expected one of {' '.join(OPERATORS)}, got {got}")
    rest = rest[len(op) :].lstrip()
    if not rest:
        raise UserError(f"'{cut(field)} {op}' lacks a value; expected {GRAMMAR}")
    if rest[0] == '"':
        value, rest = quoted(rest)
    else:
        value = rest.split(maxsplit=1)[0]
        if value[0] in "=!<>":
            message = f"after '{cut(field)} {op}' expected a value, got {quotation(value)}"
            raise UserError(f"{message}; in double quotes it is one")
        if '"' in value:
            raise UserError(f"{quotation(value)}: a double quote stands before and after a value")
        rest = rest[len(value) :]
    return Term(field, op, value), rest


def _field(text: str) -> tuple[str, str]:
    if text[0] == '"':
        field, rest = quoted(text)
        return field, rest.lstrip()
    match = _FIELD.match(text)
    if match is None:
        raise UserError(f"expected a field before {quotation(text)}; {GRAMMAR}")
    if match[0].lower() == _AND:
        raise UserError(f"expected a field, got '{match[0]}'; {GRAMMAR}")
    return match[0], text[match.end() :].lstrip()


def quoted(text: str) -> tuple[str, str]:
    """What a text holds in double quotes at its beginning, and what follows it."""
    match = _QUOTED.match(text)
    if match is None:
        raise UserError(f"a double quote is not closed: {quotation(text)}")
    return match[1].replace('""', '"'), text[match.end() :]


def _joined(text: str) -> str:
    """What follows an `and`, or a refusal of what else stands there."""
    word = text.split(maxsplit=1)[0]
    if word.lower() == _AND and text[0].isspace():
        rest = text.lstrip()[len(word) :].lstrip()
        if not rest:
            raise UserError(f"nothing follows the last '{word}'; expected {GRAMMAR}")
        return rest
    if word.lower() in _WORDS:
        raise UserError(f"comparisons are joined by 'and' alone, got {quotation(word)}")
    message = f"expected 'and' before {quotation(word)}"
    raise UserError(f"{message}; a value with blanks is in double quotes")


def cut(text: str) -> str:
    """A text as far as a message shows it."""
    return text if len(text) <= 40 else text[:37] + "..."


def quotation(text: str) -> str:
    """Some words of a text, as a message cites them."""
    return f"'{cut(' '.join(text.split()))}'"


def _refuse(term: Term, levels: Sequence[Any]) -> None:
    """Refuse an order of what has none, and text where all levels are numbers."""
    numbers = [level for level in levels if _number(level) is not None]
    value = number_of(term.value)
    if term.op in _ORDERED and value is None:
        raise UserError(f"{term.text}: '{cut(term.value)}' is no number, and text has no order")
    if term.op in _ORDERED and levels and not numbers:
        raise UserError(f"{term.text}: {term.field} holds text, which has no order{_some(levels)}")
    measured = all(isinstance(x, int | float) and not isinstance(x, bool) for x in levels)
    if value is None and levels and measured:
        message = f"{term.text}: '{cut(term.value)}' is no number, and {term.field} holds some"
        raise UserError(f"{message}{_some(levels)}")


def known(levels: Iterable[Any], most: int = 6) -> str:
    """Some levels, as they are written in a condition."""
    texts = [written(shown(level)) for level in dict.fromkeys(levels)]
    return ", ".join(texts[:most]) + (", ..." if len(texts) > most else "")


def _some(levels: Iterable[Any]) -> str:
    texts = known(levels)
    return f" (it has {texts})" if texts else ""


def shown(level: Any) -> str:
    """A level as a summary shows it."""
    if isinstance(level, bool):
        return "true" if level else "false"
    return f"{level:g}" if isinstance(level, float) else str(level)


def written(value: str) -> str:
    """A value as it stands in a condition: in double quotes where it needs them."""
    plain = value and not re.search(r'[\s"]', value) and value[0] not in "=!<>"
    return value if plain and value.lower() != _AND else _in_quotes(value)


def _in_quotes(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _is_missing(level: Any) -> bool:
    return level is None or (isinstance(level, float) and math.isnan(level))


def number_of(text: str) -> int | float | None:
    """A number as a condition, or a claim, holds it; None where the text is none."""
    if not _NUMBER.fullmatch(text):
        return None
    if re.fullmatch(r"[-+]?\d+", text) and len(text) <= _DIGITS:
        return int(text)  # ids have more digits than a double
    number = float(text)
    return number if math.isfinite(number) else None


def _number(level: Any) -> int | float | None:
    """A level as a number; text is one where it is written as usual."""
    if isinstance(level, bool):
        return None
    if isinstance(level, int | float):
        return level
    return number_of(level) if isinstance(level, str) and _USUAL.fullmatch(level) else None


def _equal(level: Any, value: str) -> bool:
    if _is_missing(level):
        return False
    if isinstance(level, bool):
        return value.lower() in (shown(level), str(int(level)))
    if isinstance(level, int | float):
        return _order(level, value) == 0
    if str(level) == value:
        return True
    # text that is a number, as in a column with `uniform 5-35`: 5 is 5.0, and 01 is not 1
    return bool(_USUAL.fullmatch(value)) and _order(level, value) == 0


def _order(level: Any, value: str) -> int | None:
    """-1, 0 or 1 as a level is below, at or above a value; None where they have no order."""
    number, other = _number(level), number_of(value)
    if _is_missing(level) or number is None or other is None:
        return None
    if isinstance(number, float) or isinstance(other, float):
        with suppress(OverflowError):  # a level beyond all doubles
            if math.isclose(number, other, rel_tol=_CLOSE):
                return 0
    return -1 if number < other else int(number > other)
