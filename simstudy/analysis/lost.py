"""Columns of which a method that sees one level alone has nothing, left out as lm does it."""

from __future__ import annotations

from simstudy.analysis.data import DataSet
from simstudy.entries import Entry
from simstudy.numerics import gram
from simstudy.numerics.columns import selected

_ROUNDING = 1e-24  # square: means that differ by 1e-12 of the spread of the units do not vary
_WORDS = {
    True: "absorbed by the dummies (constant within clusters)",
    False: "does not vary between clusters",
}


def lost(data: DataSet, entry: Entry) -> dict[str, str]:
    """Columns of several that are not in a method's model, and why.

    Dummies absorb what is constant within clusters, and nothing is left of what is centred
    there among cluster means; what depends on the columns before it there goes as well.
    """
    if len(data.names) == 1 or not (entry.own_intercepts or entry.of_means):
        return {}
    within = entry.own_intercepts
    level = gram.within if within else gram.between
    y, ordered = (
        data.terms.outcome,
        selected(data.scaled.moments, (*data.names, data.terms.outcome)),
    )
    inner, whole = level(ordered), gram.whole(ordered)
    least = 0.0 if within else _ROUNDING
    constant = [name for k, name in enumerate(data.names)
                if inner.product(k, k) <= least * whole.product(k, k)]  # fmt: skip
    varying = tuple(name for name in data.names if name not in constant)
    rows = level(selected(ordered, (*varying, y))).rows
    others = [name for name, row in zip(varying, rows, strict=False) if row[0] == 0]
    dependent = f"a combination of the others {'within' if within else 'between'} clusters"
    reasons = dict.fromkeys(constant, _WORDS[within]) | dict.fromkeys(others, dependent)
    return {name: reasons[name] for name in data.names if name in reasons}
