"""Room 4: a user's own measures. Imports jackknife and values."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from simstudy.errors import Interrupt, UserError, WorkError, brief
from simstudy.estimates import TRUTH, USED
from simstudy.measures.jackknife import bootstrap_mcse
from simstudy.measures.measures import MEASURES
from simstudy.measures.values import NAN, Column, plain
from simstudy.moments import Array, Bools, Floats, Ints

Own = Callable[[dict[str, Array], Any], Any]
REGISTERED: dict[str, Own] = {}


def measure(function: Own) -> Own:
    """Register a measure of one's own, under the function's name; a decorator.

    Parameters
    ----------
    function : callable
        Given the used rows of one method in one scenario (a dict of arrays: estimate,
        std_error, df, p_value, status) and the truth, an array where each row has its own;
        returns the value, or the value and its Monte Carlo SE. Of a value alone the SE is
        bootstrapped (200 draws of the rows).
        From then on every summary has it; it needs the rows, so it cannot be streamed.
    """
    name = getattr(function, "__name__", "")
    if not name.isidentifier() or name in MEASURES:
        raise UserError(f"a measure cannot be called '{name}'")
    REGISTERED[name] = function
    return function


def own_columns(
    rows_of: Callable[[int], dict[str, Array]], truth: Floats, n_all: Ints
) -> list[Column]:
    """Registered measures of every group; `rows_of` gives a group's rows by its number."""
    if not REGISTERED:
        return []
    names = list(REGISTERED)
    found = np.full((len(names), 2, truth.size), NAN)
    n_used = np.zeros(truth.size, dtype=np.int64)
    for g in range(truth.size):
        rows = rows_of(g)
        used: Bools = rows["status"] < USED
        rows = {name: values[used] for name, values in rows.items()}
        n_used[g] = rows["status"].size
        for k, name in enumerate(names if n_used[g] else ()):
            found[k, :, g] = _value(REGISTERED[name], rows, float(truth[g]))
    every = n_all >= 0
    return [
        Column(name, NAN, plain(*found[k]), n_used, n_all - n_used, every)
        for k, name in enumerate(names)
    ]


def _value(function: Own, rows: dict[str, Array], truth: float) -> tuple[float, float]:
    def of(rows: dict[str, Array]) -> Any:
        each = rows.get(TRUTH) if math.isnan(truth) else None
        return function(rows, truth if each is None else each)

    try:
        value = of(rows)
        if np.ndim(value) == 1:
            return float(value[0]), float(value[1])
        return float(value), bootstrap_mcse(lambda drawn: float(of(drawn)), rows)
    except (Interrupt, MemoryError):
        raise
    except BaseException as error:  # packages in Rust raise what is no Exception
        name, said = getattr(function, "__name__", ""), f"{type(error).__name__}: {error}"
        raise WorkError(f"measure {name}: {brief(said)}; the rows are kept") from error
