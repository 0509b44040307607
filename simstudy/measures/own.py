"""A user's own measures."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from simstudy.custom import doing
from simstudy.custom.declare import MEASURE_MARK
from simstudy.custom.loaded import holds
from simstudy.custom.quiet import attempt
from simstudy.errors import UserError
from simstudy.estimates import TRUTH, USED, Failure
from simstudy.measures.catalog import MEASURES, record_of
from simstudy.measures.names import OF_TRUTH
from simstudy.measures.record import Measure
from simstudy.measures.rows import Answer, Rows
from simstudy.measures.values import NAN
from simstudy.moments import Array

Own = Callable[[dict[str, Array], Any], Any]
REGISTERED: dict[str, Measure] = {}  # in this Python session
_SEED = 20240417
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
    if not name.isidentifier() or name in MEASURES or name in OF_TRUTH:
        raise UserError(f"a measure cannot be called '{name}'")
    with suppress(AttributeError, TypeError):  # of a library's own, which nothing can be put on
        setattr(function, MEASURE_MARK, True)
    if not holds(function):  # those a study asks for by name
        REGISTERED[name] = record(function, name)
    return function


def record(function: Own, name: str) -> Measure:
    """The record of a function that a user wrote."""
    plain = record_of(name)
    return replace(plain, value=partial(_of_rows, function, name))


def _of_rows(function: Own, name: str, rows: Rows, truth: float) -> Answer:
    used = used_rows(rows)
    n_used = used["status"].size
    if not n_used:
        return Answer(NAN, NAN)
    with doing.now(f"the measure {name}"):
        return ask(function, used, truth)._replace(n_used=n_used)


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

    return attempt(answered, lambda result: True).result


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
        kind = "nothing (None)" if value is None else f"a value of type {type(value).__name__}"
        raise _AnswerError(f"returned {kind}; {_EXPECTED}")
    return float(array)


def bootstrap_mcse(
    function: Callable[[dict[str, Array]], float], rows: dict[str, Array], n_draws: int = 200
) -> float:
    """SD of a measure over resampled rows, the same draws each time it is asked."""
    n = rows["status"].size
    if n < 2:
        return float("nan")
    generator = np.random.Generator(np.random.Philox(_SEED))
    draws = []
    for _ in range(n_draws):
        index = generator.integers(0, n, n)
        draws.append(function({name: values[index] for name, values in rows.items()}))
    return float(np.std(draws, ddof=1))
