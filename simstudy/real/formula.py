"""Room 5: lme4's formula for one predictor and one grouping factor. Imports errors alone."""

from __future__ import annotations

import re
from typing import NamedTuple, NoReturn

from simstudy.errors import UserError

EXPECTED = "expected 'y ~ x + (1 | cluster)'"
_NAME = r"`[^`]+`|[^\W\d][\w.]*|\.[^\W\d][\w.]*"
_RANDOM = re.compile(r"\(([^()|]*)(\|\|?)([^()|]*)\)")
_QUOTED = re.compile(r"`[^`]*`")


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
    quoted: list[str] = []

    def hide(match: re.Match[str]) -> str:
        quoted.append(match.group())
        return f"\x00{len(quoted) - 1}\x00"

    plain = _QUOTED.sub(hide, text)

    def show(part: str) -> str:
        return re.sub(r"\x00(\d+)\x00", lambda m: quoted[int(m.group(1))], part).strip()

    if plain.count("~") != 1:
        _refuse(text, EXPECTED)
    left, right = plain.split("~")
    random = [tuple(show(part) for part in match.groups()) for match in _RANDOM.finditer(right)]
    fixed = [show(term) for term in _RANDOM.sub("\x01", right).split("+")]
    outcome = _column(show(left), text, "the outcome")
    predictor = _fixed([term for term in fixed if term != "\x01"], text)
    if len(random) != fixed.count("\x01"):
        _refuse(text, "terms must be joined by '+'; " + EXPECTED)
    return _distinct(Formula(outcome, predictor, _random(random, text)), text)


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
    predictors = [term for term in terms if term != "1"]
    if not predictors:
        _refuse(text, f"no predictor; {EXPECTED}")
    if len(predictors) > 1:
        others = ", ".join(f"'{term}'" for term in predictors[1:])
        _refuse(text, f"only one predictor is fitted; a second one ({others}) is not")
    return _column(predictors[0], text, "the predictor")


def _random(terms: list[tuple[str, ...]], text: str) -> str:
    if not terms:
        _refuse(text, f"no random intercept; {EXPECTED}")
    if len(terms) > 1:
        _refuse(text, "only one grouping factor is fitted")
    inner, bar, cluster = terms[0]
    if bar == "||" or inner.replace(" ", "") not in ("1",):
        _refuse(
            text, f"a random slope, '({inner} {bar} {cluster})', is not fitted; use (1 | {cluster})"
        )
    return _column(cluster, text, "the cluster")


def _column(term: str, text: str, what: str) -> str:
    """A plain or backticked name; calls, interactions and arithmetic are refused."""
    if re.fullmatch(r"`[^`]+`", term):
        return term[1:-1]
    if re.fullmatch(_NAME, term):
        return term
    if not term:
        _refuse(text, f"{what} is missing; {EXPECTED}")
    if re.search(r"[:*/^]|%in%", term):
        _refuse(text, f"'{term}': interactions and nesting are not fitted")
    if "(" in term:
        _refuse(text, f"'{term}': functions are not evaluated; make a column of it first")
    _refuse(text, f"'{term}' is not a column name (use backticks for unusual ones)")


def _refuse(text: str, message: str) -> NoReturn:
    raise UserError(message, path=f"formula '{text if len(text) <= 80 else text[:77] + '...'}'")
