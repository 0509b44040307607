"""What theory says of a summary's rows, and how far a simulation is from it.

Only exact answers are held against a simulation: an asymptotic one may be many Monte Carlo
errors away from a correct run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from simstudy.estimands import is_null
from simstudy.measures.catalog import record_of
from simstudy.measures.values import Column
from simstudy.moments import Array, Floats
from simstudy.registry import Method
from simstudy.study.grid import Design
from simstudy.summary.cells import StudyCells
from simstudy.theory.answers import MEASURES, answer
from simstudy.theory.law import Answer

KINDS = ("exact", "asymptotic")
_MOST = 1000  # scenarios; an answer takes a millisecond or so
_FAR, _ENOUGH = 4.0, 500  # MCSEs, and used replications from which a normal z can be trusted


@dataclass(frozen=True, slots=True)
class Expected:
    """Theory beside a summary; arrays of shape (groups, columns).

    Attributes
    ----------
    value : array
        NaN where theory has no answer.
    kind : array of int
        Index into `KINDS`, -1 without an answer.
    z : array
        (simulated - theory) / MCSE, NaN where the answer is not exact.
    """

    value: Floats
    kind: Array
    z: Floats


def expected(cells: StudyCells, columns: Sequence[Column]) -> Expected:
    """Ask theory about every scenario, method and measure; nothing beyond 1,000 scenarios."""
    shape = len(cells.pairs), len(columns)
    value, kind = np.full(shape, np.nan), np.full(shape, -1, dtype=np.int8)
    few = len({design.id for design, _ in cells.pairs}) <= _MOST
    for group, (design, method) in enumerate(cells.pairs if few else ()):
        for k, found in enumerate(_answers(design, method, columns)):
            if found is not None and math.isfinite(found.value):
                value[group, k], kind[group, k] = found.value, KINDS.index(found.kind)
    simulated, mcse = (np.stack([c.value[i] for c in columns], axis=1) for i in (0, 1))
    nothing = np.isnan(simulated)  # no replication is used, or the measure is not defined
    value[nothing], kind[nothing] = np.nan, -1
    exact = (kind == 0) & (mcse > 0)
    z = np.where(exact, (simulated - value) / np.where(exact, mcse, 1.0), np.nan)
    return Expected(value, kind, z)


def _answers(design: Design, method: Method, columns: Sequence[Column]) -> list[Answer | None]:
    known = told(design, method)
    return [known(column.measure, column.alpha) for column in columns]


def told(design: Design, method: Method) -> Callable[[str, float], Answer | None]:
    """What theory says of a method in a scenario: measure and alpha (NaN: none) -> answer."""
    if not method.in_theory:
        return lambda measure, alpha: None
    options = {key: str(value) for key, value in method.options}
    null = is_null(method.truth(design.scenario), method.null_value)

    @cache
    def ask(measure: str, alpha: float) -> Answer | None:
        level = alpha if alpha == alpha else None
        return answer(
            design.scenario, method.name, options, measure, level, method.omit, method.estimand,
            method.level,
        )  # fmt: skip

    def one(measure: str, alpha: float) -> Answer | None:
        if measure == "type1_inflation" or (measure == "coverage" and null):
            size = ask("rejection_rate", alpha)
            if size is None or not null:
                return None
            other = size.value / alpha if measure == "type1_inflation" else 1.0 - size.value
            return Answer(other, size.kind)
        return ask(measure, alpha) if measure in MEASURES else None

    return one


def far(cells: StudyCells, columns: Sequence[Column], theory: Expected) -> list[str]:
    """Rows more than four Monte Carlo errors from an exact answer, a line each."""
    found = []
    for group, k in np.argwhere(np.abs(theory.z) > _FAR):
        column, exact = columns[k], theory.value[group, k]
        again = record_of(column.measure).over_alpha  # a rejection rate in other units
        if again or column.n_used[group] < _ENOUGH:
            continue
        simulated = column.value.value[group]
        if 0 < exact < 1 and record_of(column.measure).proportion:
            spread = math.sqrt(exact * (1 - exact) / column.n_used[group])
            if abs(simulated - exact) <= _FAR * spread:
                continue  # a rate near 0 or 1 understates its own error
        design, method = cells.pairs[group]
        found.append(
            f"{method.label} in scenario {design.id}: {column.measure} {simulated:.4g} is "
            f"{theory.z[group, k]:+.1f} Monte Carlo errors from the exact {exact:.4g}"
        )
    return found
