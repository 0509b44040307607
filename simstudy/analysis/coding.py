"""Columns of a model's terms, levels coded as R codes them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from itertools import product

import numpy as np

from simstudy.analysis.terms import Term, Variable
from simstudy.analysis.values import Levels, Numbers, Values
from simstudy.errors import UserError
from simstudy.moments import Floats

MOST = 100  # columns: each is tested in a fit of its own


def coded(
    terms: Sequence[Term], values: Mapping[Variable, Values]
) -> tuple[tuple[str, ...], Floats]:
    """Names and columns of terms, without that of the intercept, which the coding knows of.

    Levels have treatment contrasts with the first as reference. Names are formulaic's: ``x``,
    ``arm[T.b]``, ``C(arm)[T.b]``, ``x:z``.

    Raises
    ------
    UserError
        More than `MOST` columns, two of one name, or products that are too large.
    """
    _refuse_many(terms, values)
    with np.errstate(all="ignore"):
        pairs = [pair for i in range(len(terms)) for pair in _columns(terms[i], values, terms[:i])]
    names = tuple(name for name, _ in pairs)
    matrix = np.column_stack([column for _, column in pairs])
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UserError(f"two columns of the model would be called '{twice}'; rename one")
    infinite = ~np.isfinite(matrix).all(axis=0)
    if infinite.any():
        raise UserError(f"'{names[int(np.argmax(infinite))]}' is too large for a double")
    return names, matrix


def _refuse_many(terms: Sequence[Term], values: Mapping[Variable, Values]) -> None:
    def width(variable: Variable) -> int:
        value = values[variable]
        return len(value.names) if isinstance(value, Levels) else 1

    widths = [math.prod(map(width, term)) for term in terms]
    if sum(widths) > MOST:
        term, most = max(zip(terms, widths, strict=True), key=lambda pair: pair[1])
        shown = ":".join(map(str, term))
        raise UserError(f"more than {MOST:,} columns ('{shown}' alone has about {most:,})")


def _columns(
    term: Term, values: Mapping[Variable, Values], before: Sequence[Term]
) -> Iterator[tuple[str, Floats]]:
    """Names and columns of one term, the levels of its first variable varying fastest.

    R's rule: the first level of a variable is left out, and the other columns are contrasts to
    it, where the variables beside it are none or stand in one term before, others with them.
    """
    blocks = []
    for variable in reversed(term):
        value = values[variable]
        if isinstance(value, Numbers):
            blocks.append([(str(variable), value.numbers)])
            continue
        beside = set(term) - {variable}
        contrasts = not beside or any(beside.issubset(one) for one in before)
        first, mark = (1, "T.") if contrasts else (0, "")
        blocks.append([
            (f"{variable}[{mark}{name}]", np.asarray(value.codes == code, dtype=np.float64))
            for code, name in enumerate(value.names[first:], start=first)
        ])  # fmt: skip
    for parts in product(*blocks):
        names, columns = zip(*reversed(parts), strict=True)
        yield ":".join(names), reduce(np.multiply, columns)
