"""Room 5: one measure of a summary as arrays, scenario by method. Imports wide."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from simstudy.moments import Bools, Floats, Ints
from simstudy.report.wide import Level, Wide, wide
from simstudy.store import arrow

if TYPE_CHECKING:
    import pyarrow as pa

KINDS = ("exact", "asymptotic")


@dataclass(frozen=True, slots=True)
class Frame:
    """A measure of S scenarios by M methods.

    Attributes
    ----------
    factors : tuple of str
        Those that vary, in the order of the study.
    fixed : dict
        Those that do not.
    methods : tuple of str
        Labels.
    levels : list of dict
        Factor -> level, one a scenario.
    design_effect : array, shape (S,)
        NaN where the summary has none.
    value, low, high : arrays, shape (S, M)
        The measure and its 95 % Monte Carlo interval; NaN where there is none.
    n_used, n_not_used : arrays of int, shape (S, M)
        Zeros in both where a method has no row.
    failed : array of bool, shape (S, M)
        Where replications failed, or are not there, rather than being not estimable.
    theory : dict
        "exact" and "asymptotic" answers, shape (S, M); NaN where there is none.
    """

    measure: str
    alpha: float
    factors: tuple[str, ...]
    fixed: dict[str, Level]
    methods: tuple[str, ...]
    levels: list[dict[str, Level]]
    design_effect: Floats
    value: Floats
    low: Floats
    high: Floats
    n_used: Ints
    n_not_used: Ints
    failed: Bools
    theory: dict[str, Floats]

    @property
    def there(self) -> Bools:
        """Which cells have a number, shape (S, M)."""
        return np.isfinite(self.value) & (self.n_used > 0)


def frame(
    summary: pa.Table, measure: str, alpha: float | None = None, *, theory: bool = True
) -> Frame:
    """Take one measure out of a summary.

    Parameters
    ----------
    summary : pyarrow.Table
        As in summary.parquet, with or without columns theory and theory_kind.
    measure : str
    alpha : float, optional
        Default: the first there is.
    theory : bool
        Whether theory is read, too.
    """
    table = wide(summary, measure, alpha)
    value, low, high = (_cells(table, name, math.nan) for name in ("value", "ci_low", "ci_high"))
    used, unused = (_cells(table, name, 0).astype(np.int64) for name in ("n_used", "n_not_used"))
    failed = _cells(table, "failed", False).astype(bool)
    shown = [row[0] for row in table.rows]
    deff = np.array([row.get("design_effect") for row in shown], dtype=float)
    levels = [{f: row[f] for f in row if f != "design_effect"} for row in shown]
    return Frame(
        measure, table.alpha, table.factors, table.fixed, table.methods, levels, deff,
        value, low, high, used, unused, failed,
        _theory(summary if theory else None, measure, alpha, value),
    )  # fmt: skip


def _cells(table: Wide, name: str, missing: float) -> Any:
    cells = [[row[1].get(m) for m in table.methods] for row in table.rows]
    found = [[missing if c is None else getattr(c, name) for c in row] for row in cells]
    return np.array(found, dtype=float).reshape(len(table.rows), len(table.methods))


def _theory(
    summary: pa.Table | None, measure: str, alpha: float | None, like: Floats
) -> dict[str, Floats]:
    """Answers without simulation, by kind: the same table with the answer for the value."""
    if summary is None or not {"theory", "theory_kind"} <= set(summary.column_names):
        return {kind: np.full_like(like, math.nan) for kind in KINDS}
    found = {}
    part = summary.take(arrow.equal_to(summary.column("measure"), measure))
    at = part.column_names.index("value")
    answers = np.array(part.column("theory").to_pylist(), dtype=float)
    kinds = part.column("theory_kind").to_pylist()
    for kind in KINDS:
        mine = arrow.doubles(np.where([k == kind for k in kinds], answers, math.nan))
        table = wide(part.set_column(at, "value", mine), measure, alpha)
        found[kind] = _cells(table, "value", math.nan)
    return found


def where(table: Frame, keep: Callable[[dict[str, Level]], bool]) -> Frame:
    """Scenarios whose levels are wanted; what varies is counted among them alone."""
    index = np.array([i for i, levels in enumerate(table.levels) if keep(levels)], dtype=np.int64)
    return take(table, index)


def take(table: Frame, index: Ints) -> Frame:
    """Scenarios number `index`."""
    levels = [table.levels[i] for i in index]
    varying = tuple(f for f in table.factors if len({row[f] for row in levels}) > 1)
    fixed = {f: levels[0][f] for f in (levels[0] if levels else ()) if f not in varying}
    names = ("design_effect", "value", "low", "high", "n_used", "n_not_used", "failed")
    arrays: Any = {name: getattr(table, name)[index] for name in names}
    theory = {kind: answers[index] for kind, answers in table.theory.items()}
    return replace(table, factors=varying, fixed=fixed, levels=levels, theory=theory, **arrays)
