"""One measure of a summary as arrays, scenario by method."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from simstudy.moments import Bools, Floats, Ints
from simstudy.report.wide import Level, Wide, powers, wide
from simstudy.store import arrow

if TYPE_CHECKING:
    import pyarrow as pa

KINDS = ("exact", "asymptotic")
_EMPTY = {"value": math.nan, "low": math.nan, "high": math.nan, "n_used": 0, "n_not_used": 0,
          "failed": False, "null": -1, "sized": False, "inflated": False}  # fmt: skip
_KEPT = ("design_effect", "not_asked")  # whatever kind of rate is shown


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
    places : tuple of int
        Of these among all methods of the study: what they look like.
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
    not_asked : array of bool, shape (S, M)
        Where a method has no row of any measure.
    null : array of int, shape (S, M)
        Of a rejection rate: 1 for a Type I error, 0 for power, -1 for neither.
    sized, inflated : arrays of bool, shape (S, M)
        Powers with a Type I error of the same design, and those where it is too high.
    when : str
        When the null hypothesis of the powers is true, in words.
    theory : dict
        "exact" and "asymptotic" answers, shape (S, M); NaN where there is none.
    """

    measure: str
    alpha: float
    factors: tuple[str, ...]
    fixed: dict[str, Level]
    methods: tuple[str, ...]
    places: tuple[int, ...]
    levels: list[dict[str, Level]]
    design_effect: Floats
    value: Floats
    low: Floats
    high: Floats
    n_used: Ints
    n_not_used: Ints
    failed: Bools
    not_asked: Bools
    null: Ints
    sized: Bools
    inflated: Bools
    when: str
    theory: dict[str, Floats]

    @property
    def there(self) -> Bools:
        """Which cells have a number, shape (S, M)."""
        return np.isfinite(self.value) & (self.n_used > 0)

    @property
    def level(self) -> float:
        """Alpha, the usual one where nothing says it."""
        return 0.05 if math.isnan(self.alpha) else self.alpha

    @property
    def has_row(self) -> Bools:
        """Which cells have a row, shape (S, M)."""
        return (self.n_used + self.n_not_used > 0) | self.failed


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
    failed, sized, inflated = (
        _cells(table, name, False).astype(bool) for name in ("failed", "sized", "inflated")
    )
    not_asked = ~_cells(table, "asked", True).astype(bool)
    shown = [row[0] for row in table.rows]
    deff = np.array([row.get("design_effect") for row in shown], dtype=float)
    levels = [{f: row[f] for f in row if f != "design_effect"} for row in shown]
    return Frame(
        measure, table.alpha, table.factors, table.fixed, table.methods, table.places, levels,
        deff, value, low, high, used, unused, failed, not_asked, _nulls(table), sized,
        inflated, powers(table).null,
        _theory(summary if theory else None, measure, alpha, value),
    )  # fmt: skip


def _cells(table: Wide, name: str, missing: float) -> Any:
    cells = [[row[1].get(m) for m in table.methods] for row in table.rows]
    found = [[missing if c is None else getattr(c, name) for c in row] for row in cells]
    return np.array(found, dtype=float).reshape(len(table.rows), len(table.methods))


def _nulls(table: Wide) -> Ints:
    codes = {True: 1, False: 0, None: -1}
    found = [
        [-1 if (c := row[1].get(m)) is None else codes[c.aim.null] for m in table.methods]
        for row in table.rows
    ]
    return np.array(found, dtype=np.int64).reshape(len(table.rows), len(table.methods))


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


def kind(table: Frame, *, null: bool) -> Frame:
    """Type I errors, or powers: scenarios and methods that have any, and no other number."""
    wanted = table.null == int(null)
    here, mine = np.flatnonzero(wanted.any(1)), np.flatnonzero(wanted.any(0))
    if not here.size:
        return take(table, here)
    found = take(table, here)
    cells = np.ix_(here, mine)
    shown = wanted[cells]
    kept: Any = {name: np.where(shown, getattr(table, name)[cells], of)
                 for name, of in _EMPTY.items()}  # fmt: skip
    methods = tuple(table.methods[m] for m in mine)
    places = tuple(table.places[m] for m in mine)
    theory = {k: np.where(shown, v[cells], math.nan) for k, v in table.theory.items()}
    kept["not_asked"] = found.not_asked[:, mine]
    return replace(found, methods=methods, places=places, theory=theory, **kept)


def take(table: Frame, index: Ints) -> Frame:
    """Scenarios number `index`."""
    levels = [table.levels[i] for i in index]
    varying = tuple(f for f in table.factors if len({row[f] for row in levels}) > 1)
    fixed = {f: levels[0][f] for f in (levels[0] if levels else ()) if f not in varying}
    arrays: Any = {name: getattr(table, name)[index] for name in (*_KEPT, *_EMPTY)}
    theory = {kind: answers[index] for kind, answers in table.theory.items()}
    return replace(table, factors=varying, fixed=fixed, levels=levels, theory=theory, **arrays)
