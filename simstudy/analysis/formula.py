"""The formula of lme4 for one predictor and one grouping factor."""

from __future__ import annotations

import re
from typing import NamedTuple, NoReturn

from simstudy.errors import UserError

EXPECTED = "expected 'y ~ x + (1 | cluster)'"
_NAME = r"`[^`]+`|[^\W\d][\w.]*|\.[^\W\d][\w.]*"
_NESTED = r"[:*/^]|%in%"


class Formula(NamedTuple):
    """Column names of ``outcome ~ predictor + (1 | cluster)``."""

    outcome: str
    predictor: str
    cluster: str


def parse(text: str) -> Formula:
    """Read a formula, terms in any order; what is not fitted is refused by name.

    Raises
    ------
    UserError
    """
    sides = _split(text, "~", text)
    if len(sides) != 2:
        _refuse(text, EXPECTED)
    terms = [_bare(term) for term in _split(sides[1], "+", text)]
    random = [term for term in terms if len(_split(term, "|", text, inside=True)) > 1]
    fixed = [term for term in terms if term not in random]
    outcome = _column(_bare(sides[0]), text, "the outcome")
    cluster = _random(random, text)
    return _distinct(Formula(outcome, _fixed(fixed, text), cluster), text)


def _bare(term: str) -> str:
    """A term without parentheses around it: (x) is x, and ((1 | g)) is (1 | g)."""
    while re.fullmatch(r"\([^()|]*\)|\(\s*\([^()]*\)\s*\)", term):
        term = term[1:-1].strip()
    return term


def _split(part: str, at: str, text: str, *, inside: bool = False) -> list[str]:
    """Split at a character outside backticks and, unless `inside`, outside parentheses."""
    pieces, depth, quoted = [""], 0, False
    for character in part:
        quoted ^= character == "`"
        if not quoted:
            depth += (character == "(") - (character == ")")
            if depth < 0:
                _refuse(text, "a ')' has no '('")
            if character == at and (inside or depth == 0):
                pieces.append("")
                continue
        pieces[-1] += character
    if quoted or depth:
        rest = part[part.rfind("`") :] if quoted else part
        _refuse(
            text, f"'{rest.strip()}': {'a backtick' if quoted else 'a parenthesis'} is not closed"
        )
    return [piece.strip() for piece in pieces]


def _distinct(formula: Formula, text: str) -> Formula:
    if len(set(formula)) < 3:
        _refuse(text, "outcome, predictor and cluster must be three different columns")
    return formula


def _fixed(terms: list[str], text: str) -> str:
    """The one predictor; an explicit intercept 1 is allowed."""
    if "" in terms:
        _refuse(text, f"a term is missing beside '+'; {EXPECTED}")
    if "0" in terms or any(re.search(r"-\s*1$", term) for term in terms):
        _refuse(text, "a model without intercept is not fitted")
    predictors = list(dict.fromkeys(term for term in terms if term != "1"))  # x + x is x
    if not predictors:
        _refuse(text, f"no predictor; {EXPECTED}")
    if len(predictors) > 1:
        others = ", ".join(f"'{term}'" for term in predictors[1:])
        _refuse(text, f"only one predictor is fitted; a second one ({others}) is not")
    return _column(predictors[0], text, "the predictor")


def _random(terms: list[str], text: str) -> str:
    if not terms:
        _refuse(text, f"no random intercept; {EXPECTED}")
    if len(terms) > 1:
        _refuse(text, "only one grouping factor is fitted")
    term = terms[0]
    if not (term.startswith("(") and term.endswith(")")):
        _refuse(text, f"'{term}': terms are joined by '+', and one of them is (1 | cluster)")
    parts = _split(term[1:-1], "|", text)
    if len(parts) == 3 and parts[1] == "":
        _refuse(text, f"'{term}': '||' is for random slopes, not fitted; use (1 | {parts[2]})")
    if len(parts) != 2:
        _refuse(text, f"'{term}': a random intercept is written (1 | cluster)")
    inner, cluster = parts
    if inner != "1":
        _refuse(text, f"'{term}': a random slope is not fitted; use (1 | {cluster})")
    return _column(cluster, text, "the cluster")


def _column(term: str, text: str, what: str) -> str:
    """A plain or backticked name; calls, interactions and arithmetic are refused."""
    if re.fullmatch(r"`[^`]+`", term):
        return term[1:-1]
    if re.fullmatch(_NAME, term):
        return term
    if not term:
        _refuse(text, f"{what} is missing; {EXPECTED}")
    if "(" not in term and re.search(r"\^|\*\*", term):
        _refuse(text, f"'{term}': powers are not fitted; make a column of it first")
    if "(" in term:
        _refuse(text, f"'{term}': functions are not evaluated; make a column of it first")
    if re.search(_NESTED, term):
        _refuse(text, f"'{term}': interactions and nesting are not fitted")
    _refuse(text, f"'{term}' is not a column name (use backticks for unusual ones)")


def _refuse(text: str, message: str) -> NoReturn:
    raise UserError(message, path=f"formula '{text if len(text) <= 80 else text[:77] + '...'}'")
