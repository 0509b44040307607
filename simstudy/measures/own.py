"""A user's own measures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np

from simstudy.errors import UserError
from simstudy.estimates import TRUTH, USED, Failure
from simstudy.measures.jackknife import bootstrap_mcse
from simstudy.measures.measures import MEASURES
from simstudy.measures.values import NAN, Column, plain
from simstudy.moments import Array, Floats, Ints
from simstudy.own import doing
from simstudy.own.declare import MEASURE_MARK
from simstudy.own.loaded import holds
from simstudy.own.quiet import attempt
from simstudy.own.verdict import in_brief

Own = Callable[[dict[str, Array], Any], Any]
Rows = dict[str, Array]
REGISTERED: dict[str, Own] = {}
ROWS = ("estimate", "std_error", "df", "p_value", "status")
_TAKEN = (*MEASURES, "power", "type1_error")  # the last two are rejection rates by another name
_EXPECTED = "expected a number, or a number and its Monte Carlo SE"


def measure(function: Own) -> Own:
    """Make a function a measure of one's own, under the function's name; a decorator.

    A study file names it: ``measures: [{use: "my_measures.py:f"}]``. One that is decorated in a
    Python session is in every summary of that session from then on.

    Parameters
    ----------
    function : callable
        Given the used rows of one method in one scenario (a dict of arrays: estimate,
        std_error, df, p_value, status) and the truth, a number, or an array where each row has
        its own; returns the value, or the value and its Monte Carlo SE. Of a value alone the SE
        is bootstrapped (200 draws of the rows). What it raises, and what is no such number,
        costs that method's row in that scenario and nothing else; NaN is a value that does not
        exist. It needs the rows, so it cannot be streamed.
    """
    name = getattr(function, "__name__", "")
    if not name.isidentifier() or name in _TAKEN:
        raise UserError(f"a measure cannot be called '{name}'")
    with suppress(AttributeError, TypeError):  # of a library's own, which nothing can be put on
        setattr(function, MEASURE_MARK, True)
    if not holds(function):  # those a study asks for by name
        REGISTERED[name] = function
    return function


class Answer(NamedTuple):
    """What a measure gave of one set of rows; NaN where there is no number.

    Attributes
    ----------
    own_mcse : bool
        Whether the Monte Carlo SE is the measure's own, not bootstrapped.
    failure : Failure or None
        Why there is no value, or no Monte Carlo SE beside it.
    """

    value: float
    mcse: float
    own_mcse: bool = False
    failure: Failure | None = None


def own_columns(
    functions: Mapping[str, Own],
    rows_of: Callable[[int], Rows],
    truth: Floats,
    n_all: Ints,
    warn: Callable[[str], None],
) -> list[Column]:
    """Measures of one's own of every group; `rows_of` gives a group's rows by its number.

    `warn` is told, in a line each, which of them failed where, and why.
    """
    if not functions:
        return []
    found = np.full((len(functions), 2, truth.size), NAN)
    n_used = np.zeros(truth.size, dtype=np.int64)
    failures: dict[str, list[Failure]] = {name: [] for name in functions}
    for g in range(truth.size):
        rows = used_rows(rows_of(g))
        n_used[g] = rows["status"].size
        for k, (name, function) in enumerate(functions.items() if n_used[g] else ()):
            with doing.now(f"the measure {name}"):
                answer = ask(function, rows, float(truth[g]))
            found[k, :, g] = answer.value, answer.mcse
            failures[name] += [answer.failure] if answer.failure is not None else []
    for line in _said(failures, int((n_used > 0).sum())):
        warn(line)
    every = n_all >= 0
    return [
        Column(name, NAN, plain(*found[k]), n_used, n_all - n_used, every)
        for k, name in enumerate(functions)
    ]


def used_rows(rows: Rows) -> Rows:
    """Rows that every measure uses."""
    used = rows["status"] < USED
    return {name: values[used] for name, values in rows.items()}


def ask(function: Own, rows: Rows, truth: float) -> Answer:
    """A measure of some rows; what it does to them stays with it.

    Parameters
    ----------
    truth : float
        NaN where each row has its own, in its column.
    """

    def of(rows: Rows) -> tuple[float, float | None]:
        each = rows.get(TRUTH) if math.isnan(truth) else None
        return _numbers(function(dict(rows), truth if each is None else each))

    value = _attempt(lambda: of({name: values.copy() for name, values in rows.items()}))
    if isinstance(value, Failure):
        return Answer(NAN, NAN, failure=value)
    if value[1] is not None:
        return Answer(value[0], value[1], True)
    if math.isnan(value[0]):
        return Answer(NAN, NAN)
    spread = _attempt(lambda: bootstrap_mcse(lambda drawn: of(drawn)[0], rows))
    if isinstance(spread, Failure):
        message = f"no Monte Carlo SE: in a bootstrap sample of the rows {spread.message}"
        return Answer(value[0], NAN, failure=spread._replace(message=message))
    return Answer(value[0], spread)


def _attempt(call: Callable[[], Any]) -> Any:
    """What a call returns, or the `Failure` that it raised."""

    def answered() -> Any:
        try:
            return call()
        except _AnswerError as error:
            return Failure(str(error), "")

    return attempt(answered, lambda found: True).found


class _AnswerError(Exception):
    """What was returned is no value of a measure; says why in one line."""


def _numbers(found: Any) -> tuple[float, float | None]:
    """Value and Monte Carlo SE, None where that is not given."""
    try:
        n_axes = np.ndim(found)
    except ValueError:  # no array: its values are of different shapes
        n_axes = 2
    if n_axes == 0:
        return _number(found), None
    if n_axes > 1 or len(found) != 2:
        array = hasattr(found, "shape")
        what = f"an array of shape {np.shape(found)}" if array else f"{len(found)} values"
        raise _AnswerError(f"returned {what}; {_EXPECTED}")
    value, mcse = found[0], found[1]
    if mcse is None:
        return _number(value), None
    spread = _number(mcse)
    if spread < 0:
        raise _AnswerError(f"returned a negative Monte Carlo SE, {spread:g}")
    return _number(value), spread


def _number(value: Any) -> float:
    array = np.asarray(value)
    if array.ndim or array.dtype.kind not in "biuf":
        raise _AnswerError(f"returned {_kind(value)}; {_EXPECTED}")
    return float(array)


def _kind(value: Any) -> str:
    return "nothing (None)" if value is None else f"a value of type {type(value).__name__}"


def _said(failures: Mapping[str, list[Failure]], n_cells: int) -> Iterator[str]:
    """A line a measure that failed: where, how often, and the commonest reason."""
    for name, every in failures.items():
        if every:
            words = [in_brief(failure) for failure in every]
            commonest = max(dict.fromkeys(words), key=words.count)
            cells = "cell (a method in a scenario)" if n_cells == 1 else "cells"
            yield (f"the measure {name} failed in {len(every)} of {n_cells} {cells}, where its "
                   f"numbers are missing: {commonest}")  # fmt: skip
