"""lme4's formula, read by hand into `Terms`; what is not fitted is refused by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NoReturn

from simstudy.analysis.terms import Random, Term, Terms, Variable, quoted, source
from simstudy.analysis.tokens import (
    EXPECTED,
    Word,
    closing,
    refuse,
    shortened,
    split,
    tokens,
    written,
)

_MOST_TERMS = 200


def parse(formula: str) -> Terms:
    """Read a formula, terms in any order.

    Names, names in backticks, ``C(name)``, ``:``, ``*``, ``+``, ``1`` and parentheses, and one
    of ``(1 | g)``, ``(1 + x | g)``, ``(x | g)``, ``(x || g)``. Nothing is ever evaluated.

    Raises
    ------
    UserError
    """
    sides = split(tokens(formula), "~")
    if len(sides) != 2:
        refuse(formula, EXPECTED)
    outcome = _column(formula, _bare(sides[0]), "the outcome")
    right = _Right(formula, sides[1])
    found = right.read()
    random = [term for term in found if isinstance(term, Random)]
    fixed = _in_order([term for term in found if not isinstance(term, Random)], right.variables)
    if not fixed:
        refuse(formula, f"no predictor; {EXPECTED}")
    if not random:
        refuse(formula, f"no random intercept; {EXPECTED}")
    if len(random) > 1:
        _refuse_several(formula, random)
    terms = Terms(outcome, fixed, random[0])
    predictors = {variable.column for variable in terms.variables}
    if len({outcome, *predictors, random[0].cluster}) < 2 + len(predictors):
        refuse(formula, "outcome, predictor and cluster must be three different columns")
    _check_slope(formula, terms)
    return terms


def _in_order(terms: Iterable[Term], variables: Sequence[Variable]) -> tuple[Term, ...]:
    """Terms as R has them: once each, by degree, their variables in the order given."""
    once = dict.fromkeys(frozenset(term) for term in terms if term)
    return tuple(tuple(sorted(term, key=variables.index)) for term in sorted(once, key=len))


def _refuse_several(formula: str, random: Sequence[Random]) -> NoReturn:
    clusters = {term.cluster for term in random}
    if len(clusters) > 1:
        refuse(formula, "only one grouping factor is fitted")
    cluster = quoted(clusters.pop())
    refuse(formula, f"two random terms of {cluster}; write one: (1 + x | {cluster})")


def _check_slope(formula: str, terms: Terms) -> None:
    """A slope varies about a fixed one, and that is the first."""
    slope = terms.random.slope
    if slope is None or terms.fixed[0] == (Variable(slope),):
        return
    first = ":".join(map(source, terms.fixed[0]))
    message = f"the random slope is that of the first fixed term, here {first}"
    refuse(formula, f"'{terms.random}': {message}; write {quoted(slope)} first")


def _bare(words: list[Word]) -> list[Word]:
    """Words without the parentheses around all of them."""
    while words and words[0].text == "(" and closing(words, 0) == len(words) - 1:
        words = words[1:-1]
    return words


class _Right:
    """The right-hand side, read from left to right."""

    def __init__(self, formula: str, words: list[Word]) -> None:
        self.variables: list[Variable] = []  # each time one is read
        self._formula = formula
        self._words = words
        self._at = 0

    def read(self) -> list[Term | Random]:
        """Every term; an explicit intercept is the empty one."""
        if not self._words:
            refuse(self._formula, f"no predictor; {EXPECTED}")
        found = self._sum()
        if self._at < len(self._words):
            self._refuse_here()
        return found

    def _sum(self) -> list[Term | Random]:
        found = self._product()
        while self._takes("+"):
            found += self._product()
            if len(found) > _MOST_TERMS:
                self._refuse_many()
        return found

    def _product(self) -> list[Term | Random]:
        found = self._interaction()
        while self._takes("*"):
            others = self._interaction()
            found = [*found, *others, *self._crossed(found, others)]
        return found

    def _interaction(self) -> list[Term | Random]:
        found = self._atom()
        while self._takes(":"):
            found = list(self._crossed(found, self._atom()))
        return found

    def _crossed(self, left: list[Term | Random], right: list[Term | Random]) -> list[Term]:
        """Interactions of every term with every other."""
        if len(left) * len(right) > _MOST_TERMS:
            self._refuse_many()
        found: dict[Term, None] = {}
        for one in left:
            for other in right:
                if isinstance(one, Random) or isinstance(other, Random):
                    refuse(self._formula, "a random term has no interactions; it is joined by '+'")
                if not (one and other):
                    refuse(self._formula, "1 is the intercept: it has no interactions")
                found[tuple(dict.fromkeys((*one, *other)))] = None
        return list(found)

    def _atom(self) -> list[Term | Random]:
        if self._at == len(self._words) or self._words[self._at].text in ("+", ":", "*", ")"):
            sign = self._words[max(0, self._at - 1)].text
            beside = sign if sign in ("+", ":", "*") else "+"
            refuse(self._formula, f"a term is missing beside '{beside}'; {EXPECTED}")
        word = self._words[self._at]
        if word.text == "(":
            return self._parenthesis()
        if word.kind == "number" and word.text == "1":
            self._at += 1
            return [()]
        if word.kind not in ("name", "quoted"):
            self._refuse_here()
        if word.kind == "name" and self._follows("("):
            variable = self._levels()
        else:
            variable = Variable(_name(word))
            self._at += 1
        self.variables.append(variable)
        return [(variable,)]

    def _parenthesis(self) -> list[Term | Random]:
        """A random term, or terms that are taken together."""
        end = closing(self._words, self._at)
        whole, inside = self._words[self._at : end + 1], self._words[self._at + 1 : end]
        if any(len(split(inside, bar)) > 1 for bar in ("|", "||")):
            self._at = end + 1
            return [_random(self._formula, whole)]
        self._at += 1
        found = self._sum()
        if self._at != end:
            self._refuse_here()
        self._at = end + 1
        return found

    def _levels(self) -> Variable:
        """The column of C(name); every other call is refused."""
        end = closing(self._words, self._at + 1)
        inside = self._words[self._at + 2 : end]
        whole = self._words[self._at : end + 1]
        if any(word.text in ("|", "||") for word in inside):
            message = "terms are joined by '+', and one of them is (1 | cluster)"
            refuse(self._formula, f"'{written(self._formula, whole)}': {message}")
        if whole[0].text != "C":
            _refuse_call(self._formula, whole)
        if len(inside) != 1 or inside[0].kind not in ("name", "quoted"):
            message = "C() takes the name of one column and nothing else"
            refuse(self._formula, f"'{written(self._formula, whole)}': {message}")
        self._at = end + 1
        return Variable(_name(inside[0]), categorical=True)

    def _takes(self, sign: str) -> bool:
        taken = self._at < len(self._words) and self._words[self._at].text == sign
        self._at += taken
        return taken

    def _follows(self, sign: str) -> bool:
        return self._at + 1 < len(self._words) and self._words[self._at + 1].text == sign

    def _refuse_many(self) -> NoReturn:
        refuse(self._formula, f"more than {_MOST_TERMS} terms")

    def _refuse_here(self) -> NoReturn:
        """Say what is wrong with the word at hand, and the term around it."""
        words, word = self._words, self._words[self._at]
        starts = [0]  # of the term at each depth
        for place, one in enumerate(words[: self._at]):
            if one.text == "(":
                starts.append(place + 1)
            elif one.text == ")":
                starts.pop()
            elif one.text == "+":
                starts[-1] = place + 1
        end = self._at
        while end < len(words) and words[end].text not in ("+", ")"):
            end = closing(words, end) + 1 if words[end].text == "(" else end + 1
        term = written(self._formula, words[starts[-1] : end])
        refuse(self._formula, _wrong(word, term, words[self._at + 1 : self._at + 2]))


def _wrong(word: Word, term: str, after: list[Word]) -> str:
    if word.text == "0" or (word.text == "-" and [one.text for one in after] == ["1"]):
        return "a model without intercept is not fitted; leave out 0 and -1"
    if word.text in ("|", "||"):
        return f"'{term}': a random term stands in parentheses, as (1 | cluster)"
    if word.text == "-":
        return f"'{term}': no term is taken away by '-'; leave it out"
    if word.text in _UNFITTED:
        return f"'{term}': {_UNFITTED[word.text]}"
    if word.kind == "number":
        return f"'{shortened(word.text)}' is not a column name (use backticks for unusual ones)"
    return f"'{term}': terms are joined by '+', ':' or '*'"


_UNFITTED = {
    "^": "powers are not fitted; make a column of it first",
    "**": "powers are not fitted; make a column of it first",
    "/": "nesting by '/' is not fitted; write a + a:b",
    "%in%": "nesting by '%in%' is not fitted; write a:b",
}


def _random(formula: str, whole: list[Word]) -> Random:
    """A random term with its parentheses."""
    term, inside = written(formula, whole), whole[1:-1]
    bars = [word.text for word in inside if word.text in ("|", "||")]
    if len(bars) > 1:
        refuse(formula, f"'{term}': a bar inside another; a random term is written (1 | cluster)")
    left, right = split(inside, bars[0])
    cluster = _column(formula, right, "the cluster")
    pieces = split(left, "+")
    if any(word.text in ("0", "-") for piece in pieces for word in piece):
        message = f"a random slope comes with a random intercept; write (x || {quoted(cluster)})"
        refuse(formula, f"'{term}': {message}, or (1 | {quoted(cluster)}) without a slope")
    slopes = []
    for piece in pieces:
        if [word.text for word in piece[:2]] == ["C", "("]:
            refuse(formula, f"'{term}': a random slope is that of a column, not of C()")
        if not piece:
            refuse(formula, f"'{term}': a random intercept is written (1 | {quoted(cluster)})")
        if [(word.kind, word.text) for word in piece] != [("number", "1")]:
            slopes.append(_column(formula, piece, "the random slope"))
    slopes = list(dict.fromkeys(slopes))
    if len(slopes) > 1:
        refuse(formula, f"'{term}': one random slope is fitted, that of the first fixed term")
    if not slopes and bars == ["||"]:
        refuse(formula, f"'{term}': '||' is for random slopes; use (1 | {quoted(cluster)})")
    return Random(cluster, slopes[0] if slopes else None, bars == ["|"])


def _column(formula: str, words: list[Word], what: str) -> str:
    """The one name that stands there; calls, interactions and arithmetic are refused."""
    if len(words) == 1 and words[0].kind in ("name", "quoted"):
        return _name(words[0])
    if not words:
        refuse(formula, f"{what} is missing; {EXPECTED}")
    if len(words) > 1 and words[0].kind == "name" and words[1].text == "(":
        _refuse_call(formula, words, levels="{}")
    signs = {word.text for word in words}
    if signs & {"^", "**"}:
        message = f": {_UNFITTED['^']}"
    elif signs & {":", "*", "/", "%in%"}:
        message = f": {what} is one column; interactions and nesting are not fitted there"
    else:
        message = " is not a column name (use backticks for unusual ones)"
    refuse(formula, f"'{written(formula, words)}'{message}")


def _refuse_call(formula: str, words: list[Word], levels: str = "C({})") -> NoReturn:
    """Say what is written instead; `levels` is how a column is taken for levels there."""
    named = words[0].text in ("factor", "as.factor") and len(words) == 4
    instead = f"write {levels.format(words[2].text)}" if named else "make a column of it first"
    refuse(formula, f"'{written(formula, words)}': functions are not evaluated; {instead}")


def _name(word: Word) -> str:
    return word.text[1:-1] if word.kind == "quoted" else word.text
