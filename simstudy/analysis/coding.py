"""Columns of a model's terms: formulaic codes levels and interactions.

It is given terms that are built here, of the names c0, c1, ..., each to be looked up: no text
that a person wrote, and none that it could evaluate.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np

from simstudy.analysis.terms import Term, Variable
from simstudy.analysis.values import Levels, Numbers, Values
from simstudy.errors import UserError
from simstudy.moments import Floats

MOST = 1000  # columns
_FACTOR = re.compile(r"c(\d+)(?:\[(T\.)?(\d+)\])?")


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
    numbers = {key: value.numbers for key, value in values.items() if isinstance(value, Numbers)}
    if all(len(term) == 1 and term[0] in numbers for term in terms):
        names = tuple(str(term[0]) for term in terms)
        matrix = np.column_stack([numbers[term[0]] for term in terms])
    else:
        with np.errstate(all="ignore"):
            names, matrix = _by_formulaic(terms, values)
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


def _by_formulaic(
    terms: Sequence[Term], values: Mapping[Variable, Values]
) -> tuple[tuple[str, ...], Floats]:
    import pandas as pd
    from formulaic import SimpleFormula
    from formulaic.parser import types as of

    places = {variable: f"c{place}" for place, variable in enumerate(values)}
    frame = pd.DataFrame({
        places[variable]: pd.Categorical.from_codes(value.codes, range(len(value.names)))
        if isinstance(value, Levels) else value.numbers
        for variable, value in values.items()
    })  # fmt: skip
    built = [of.Term([of.Factor("1", eval_method="literal")])]
    for term in terms:
        built.append(of.Term([of.Factor(places[v], eval_method="lookup") for v in term]))
    matrix = SimpleFormula(built).get_model_matrix(frame, na_action="ignore", output="numpy")
    variables = list(values)

    def shown(match: re.Match[str]) -> str:
        variable = variables[int(match[1])]
        value = values[variable]
        if isinstance(value, Numbers):
            return str(variable)
        return f"{variable}[{match[2] or ''}{value.names[int(match[3])]}]"

    names = [_FACTOR.sub(shown, name) for name in matrix.model_spec.column_names]
    return tuple(names[1:]), np.asarray(matrix, dtype=np.float64)[:, 1:]
