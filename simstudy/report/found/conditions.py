"""Which scenarios: the shortest condition that tells some from the others, with its exceptions."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from simstudy.moments import Bools
from simstudy.report.pivot import Level
from simstudy.study.grid import telling

_MOST_TERMS = 3
_BEAM = 12  # conditions that are made longer
_PRICE = 0.05  # of a term, in exceptions a scenario that is to be told
_WRONG = 0.4  # the share of exceptions from which a condition says nothing
_FEW = 2  # scenarios that are rather listed
_HOLDS: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
}


class Term(NamedTuple):
    """A comparison of a factor with one of its levels."""

    field: str
    op: str
    level: Level

    def holds(self, levels: Sequence[dict[str, Level]]) -> Bools:
        """Which scenarios meet it."""
        return np.array([bool(_HOLDS[self.op](of[self.field], self.level)) for of in levels])


class Some(NamedTuple):
    """Some of a method's scenarios.

    Attributes
    ----------
    n, of : int
        How many of how many.
    terms : tuple of Term
        A condition that holds of nearly all of them and of few others; none where there is none.
    inside, among : int
        How many of those of whom it holds are meant, and how many these are.
    listed : list of dict
        What tells them from all others, where they are few and have no condition.
    others : list of dict
        The same of those that are not meant, where these are few.
    """

    n: int
    of: int
    terms: tuple[Term, ...] = ()
    inside: int = 0
    among: int = 0
    listed: Sequence[dict[str, Level]] = ()
    others: Sequence[dict[str, Level]] = ()


def some_of(levels: Sequence[dict[str, Level]], meant: Bools) -> Some:
    """Describe the scenarios that are meant.

    A condition is a conjunction of at most three comparisons of a factor with one of its levels.
    Longer ones are sought from the best shorter ones; one more comparison must save more than
    one exception, so that no pattern is read into a few scenarios.
    """
    n, of = int(meant.sum()), len(meant)
    if n in (0, of):
        return Some(n, of)
    terms, holds = _best(levels, meant)
    exceptions = int((holds ^ meant).sum())
    if n <= _FEW and (exceptions or len(terms) >= n):
        return Some(n, of, listed=_chosen(levels, meant))
    if of - n <= _FEW and exceptions:
        return Some(n, of, others=_chosen(levels, ~meant))
    if exceptions > _WRONG * min(n, of - n):
        return Some(n, of)
    fields = list(levels[0])
    terms = tuple(sorted(terms, key=lambda term: fields.index(term.field)))
    return Some(n, of, terms, int((holds & meant).sum()), int(holds.sum()))


def _chosen(levels: Sequence[dict[str, Level]], meant: Bools) -> list[dict[str, Level]]:
    told = telling(levels)
    return [told[k] for k in np.flatnonzero(meant).tolist() if told[k]]


def _best(levels: Sequence[dict[str, Level]], meant: Bools) -> tuple[tuple[Term, ...], Bools]:
    """The condition with the least exceptions and comparisons."""
    price = max(1.0, _PRICE * min(int(meant.sum()), len(meant) - int(meant.sum())))
    single = [((term,), term.holds(levels)) for term in _comparisons(levels)]
    kept: list[tuple[tuple[Term, ...], Bools]] = [((), np.ones(len(meant), dtype=bool))]
    every = list(kept)

    def cost(condition: tuple[tuple[Term, ...], Bools]) -> float:
        return float((condition[1] ^ meant).sum()) + price * len(condition[0])

    for _ in range(_MOST_TERMS):
        longer = [
            (terms + more, holds & others)
            for terms, holds in kept
            for more, others in single
            if more[0] not in terms
        ]
        kept = sorted(longer, key=cost)[:_BEAM]
        every += kept
    return min(every, key=cost)


def _comparisons(levels: Sequence[dict[str, Level]]) -> Iterator[Term]:
    """Comparisons that some scenarios meet and others do not, equality first."""
    for field in levels[0]:
        known = list(dict.fromkeys(of[field] for of in levels))
        given = [level for level in known if level is not None]
        yield from (Term(field, "=", level) for level in given)
        if all(isinstance(level, int | float) for level in known):
            inner = sorted(given, key=float)[1:-1]
            yield from (Term(field, op, level) for op in (">=", "<=") for level in inner)
        elif len(known) > 2:
            yield from (Term(field, "!=", level) for level in given)
