"""The summary with methods side by side."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simstudy.measures.bradley import BAND
from simstudy.report.gathered import WORLD, gathered
from simstudy.report.nulls import Aim, aims, condition, settings
from simstudy.store import arrow
from simstudy.summary.table import OF_ANYBODY

if TYPE_CHECKING:
    import pyarrow as pa

Level = float | int | str | None
REASONS = ("share_failed", "share_no_std_error")  # measures that tell why there is no number
_BESIDE = ("scenario", "n_obs", "design_effect")  # of a study, before `method`: no factors
_OUTLIER = 1000.0  # times the median Monte Carlo error: not what sets a table's decimals


class Cell(NamedTuple):
    """A value and its Monte Carlo error; NaN where there is none.

    `aim` says what it is held against; of a power, `sized` whether the same design has a Type I
    error, and `inflated` whether that is wholly above Bradley's `BAND`.
    `failed` tells replications that failed, or are not there, from those not estimable, and
    `no_se` those that have an estimate alone; not `asked` is a method without any row in this
    scenario, and `hidden` of another kind than what is shown. `theory` is the answer without
    simulation, exact or asymptotic by its `theory_kind`.
    """

    value: float
    mcse: float
    n_used: int
    n_not_used: int
    ci_low: float = math.nan
    ci_high: float = math.nan
    theory: float = math.nan
    theory_kind: str | float = math.nan
    inflated: bool = False
    failed: bool = False
    aim: Aim = Aim(None, math.nan, 0.0)
    sized: bool = False
    no_se: bool = False
    asked: bool = True
    hidden: bool = False


ABSENT = "not asked for"
NO_ROW = Cell(math.nan, math.nan, 0, 0)
NOT_ASKED = NO_ROW._replace(asked=False)
_NUMBERS = Cell._fields[:8]
Row = tuple[dict[str, Any], dict[str, Cell | None]]


@dataclass(frozen=True, slots=True)
class Wide:
    """One measure, scenarios down and methods across.

    Attributes
    ----------
    measure : str
    alpha : float
        NaN for measures without one.
    factors : tuple of str
        Columns that vary, in the order of the study.
    fixed : dict
        Columns that do not.
    methods : tuple of str
        Labels.
    places : tuple of int
        Of these among all methods of the summary: a method looks the same in every figure.
    rows : list of (levels, cells)
        Levels by factor (and design_effect), a `Cell`, `NOT_ASKED` or None by method: None
        where the measure alone is not there.
    unchecked : bool
        Whether some power has no Type I error of its design beside it.
    null : str
        When the null hypothesis is true, in words.
    absent : str
        What `NOT_ASKED` is, in words.
    counted : bool
        Whether the replications of each scenario are told.
    """

    measure: str
    alpha: float
    factors: tuple[str, ...]
    fixed: dict[str, Level]
    methods: tuple[str, ...]
    rows: list[Row]
    unchecked: bool = False
    places: tuple[int, ...] = ()
    null: str = ""
    absent: str = ABSENT
    counted: bool = False


def wide(
    summary: pa.Table, measure: str, alpha: float | None = None, null: bool | None = None,
    scenarios: Collection[str] | None = None,
) -> Wide:  # fmt: skip
    """Take one measure out of a summary.

    Parameters
    ----------
    summary : pyarrow.Table
        As in summary.parquet, or with columns of a user's before `method`.
    measure : str
    alpha : float, optional
        Default: the first there is.
    null : bool, optional
        Type I errors (True) or powers (False) alone.
    scenarios : collection of str, optional
        Ids of those that are shown; what is known of a power is by the others, too.
    """
    before = summary.column_names[: summary.column_names.index("method")]
    of_anybody = OF_ANYBODY.items() <= (summary.schema.metadata or {}).items()
    beside = () if of_anybody else _BESIDE
    columns = [name for name in before if name not in beside]
    part = summary.take(arrow.equal_to(summary.column("measure"), measure))
    levels = part.column("alpha").unique().drop_null().to_pylist()
    chosen = levels[0] if alpha is None and levels else alpha
    if chosen is not None:
        part = part.take(arrow.equal_to(part.column("alpha"), chosen))
    levels_of = {name: arrow.listed(part.column(name)) for name in before}
    varying = [name for name in columns if len(set(levels_of[name])) > 1]
    shown = [name for name in before if name not in beside[:2]]
    rows: dict[Any, Row] = {}
    cell = before if of_anybody or "scenario" not in before else ["scenario"]  # decides the rest
    failed, no_se = (_with_share(summary, cell, share) for share in REASONS)
    about = aims(part)
    for i, (key, numbers) in enumerate(zip(_keys(part, cell), _numbers(part), strict=True)):
        scenario, method = key
        if scenario not in rows:
            rows[scenario] = ({name: levels_of[name][i] for name in shown}, {})
        _, _, n_used, n_not_used, *_ = numbers
        lost = key in failed or n_used + n_not_used == 0
        fields = (*numbers, False, lost, about[i], False, key in no_se, True, False)
        rows[scenario][1][method] = Cell._make(fields)  # a keyword each takes as long again
    fixed = {n: of[0] for n, of in levels_of.items() if n in columns and n not in varying and of}
    known = summary.column("method").unique().to_pylist()
    methods = tuple(part.column("method").unique().to_pylist())
    at = math.nan if chosen is None else chosen
    listed = list(rows.values())
    unchecked = measure == "rejection_rate" and _mark_powers(listed, columns, methods, at)
    if any(len(cells) < len(methods) for _, cells in rows.values()):
        _mark_absent(rows, methods, set(_keys(_rows_of(summary, REASONS[0]), cell)))
    table = Wide(
        measure, at, tuple(varying), fixed, methods, listed, unchecked,
        tuple(known.index(method) for method in methods), condition(about),
        "no rows of this method" if of_anybody else ABSENT,
    )  # fmt: skip
    table = table if scenarios is None else _only(table, rows, scenarios)
    table = table if of_anybody else _gathered(table)
    return table if null is None else of_kind(table, null)


def _only(table: Wide, by_id: Mapping[Any, Row], scenarios: Collection[str]) -> Wide:
    """Some scenarios, by their ids, and what varies among these."""
    rows = [row for (id_,), row in by_id.items() if id_ in scenarios]
    known = {*table.fixed, *table.factors}
    columns = [name for name in (rows[0][0] if rows else ()) if name in known]
    levels_of = {name: {levels[name] for levels, _ in rows} for name in columns}
    varying = tuple(name for name in columns if len(levels_of[name]) > 1)
    fixed = {name: rows[0][0][name] for name in columns if name not in varying}
    return replace(table, rows=rows, factors=varying, fixed=fixed)


def _gathered(table: Wide) -> Wide:
    """A table in which the factors of parts that are not crossed are one."""
    told = gathered([levels for levels, _ in table.rows])
    kept = told[0] if told else table.factors
    factors = tuple(dict.fromkeys(name if name in kept else WORLD for name in table.factors))
    rows = [(levels, cells) for levels, (_, cells) in zip(told, table.rows, strict=True)]
    return replace(table, rows=rows, factors=factors)


def of_kind(table: Wide, null: bool) -> Wide:
    """Of rejection rates the Type I errors, or the powers, with the methods that have any."""
    rows: list[Row] = []
    for levels, cells in table.rows:
        if any(cell and cell.aim.null is null for cell in cells.values()):
            rows.append((levels, {m: _shown(cell, null) for m, cell in cells.items()}))
    kept = [
        k for k, method in enumerate(table.methods)
        if not rows or any((c := cells.get(method)) and not c.hidden for _, cells in rows)
    ]  # fmt: skip
    shown = replace(
        table, rows=rows, methods=tuple(table.methods[k] for k in kept),
        places=tuple(table.places[k] for k in kept), unchecked=table.unchecked and not null,
    )  # fmt: skip
    return replace(shown, null=condition(cell.aim for cell in cells_of(shown)))


def _shown(cell: Cell | None, null: bool) -> Cell | None:
    """A cell, or of another kind than what is shown an empty one."""
    if cell is None or cell.aim.null is null:
        return cell
    return NO_ROW._replace(asked=cell.asked, hidden=True)


Key = tuple[Any, str]  # a scenario and a method


def _mark_absent(rows: dict[Any, Row], methods: tuple[str, ...], asked: set[Key]) -> None:
    """Tell methods without any row in a scenario from those without this measure."""
    for scenario, (_, cells) in rows.items() if asked else ():
        cells |= {m: NOT_ASKED for m in methods if m not in cells and (scenario, m) not in asked}


def _with_share(summary: pa.Table, before: list[str], share: str) -> set[Key]:
    """Where some replications have a status."""
    part = _rows_of(summary, share)
    some = np.flatnonzero(np.nan_to_num(arrow.to_numpy(arrow.joined(part.column("value")))))
    return set(_keys(part.take(arrow.integers(some)), before))


def _rows_of(summary: pa.Table, share: str) -> pa.Table:
    """Shares with a status, which every method has that was asked for."""
    return summary.take(arrow.equal_to(summary.column("measure"), share))


def _numbers(part: pa.Table) -> Iterator[tuple[Any, ...]]:
    """The first fields of the cell of every row."""
    columns = [
        [math.nan if value is None else value for value in arrow.listed(part.column(name))]
        if name in part.column_names
        else [Cell._field_defaults[name]] * part.num_rows
        for name in _NUMBERS
    ]
    return zip(*columns, strict=True)


def _keys(part: pa.Table, before: list[str]) -> list[Key]:
    """(scenario, method) of every row; what stands before `method` names a scenario."""
    columns = [part.column(name).to_pylist() for name in before]
    methods = part.column("method").to_pylist()
    scenarios = list(zip(*columns, strict=True)) if columns else [()] * len(methods)
    return list(zip(scenarios, methods, strict=True))


def _mark_powers(
    rows: list[Row], columns: list[str], methods: tuple[str, ...], alpha: float
) -> bool:
    """Say of powers what size they have; return whether some have none beside them."""
    unchecked = False
    for method in methods:
        shown = [(levels, cells, c) for levels, cells in rows if (c := cells.get(method))]
        estimand = shown[0][2].aim.estimand
        setting = settings(estimand, (({n: r[n] for n in columns}, c.aim) for r, _, c in shown))
        fixed = [name for name in columns if name not in setting]
        design = itemgetter(*fixed) if fixed else len
        sizes = {design(levels): c for levels, _, c in shown if c.aim.null}
        for levels, cells, cell in shown:
            if cell.aim.null is not False:
                continue
            size = sizes.get(design(levels))
            unused = size is None or not size.n_used
            unchecked |= bool(setting and cell.n_used and unused)
            if size is not None:
                inflated = not unused and size.ci_low > BAND[1] * alpha
                cells[method] = cell._replace(sized=True, inflated=inflated)
    return unchecked


def usual_errors(cells: list[Cell]) -> list[float]:
    """Monte Carlo errors above 0 without those a thousand times the median."""
    errors = sorted(cell.mcse for cell in cells if 0 < cell.mcse < math.inf)
    return [error for error in errors if error <= _OUTLIER * errors[(len(errors) - 1) // 2]]


def decimals(cells: list[Cell], preferred: int, most: int = 6) -> int:
    """Decimals at which the largest Monte Carlo error shows one or two significant digits."""
    errors = usual_errors(cells)
    if not errors:
        return preferred
    least = math.ceil(-math.log10(max(errors)))
    return min(most, max(least, 0, min(preferred, least + 1)))


def cells_of(table: Wide) -> list[Cell]:
    """All cells that are there and shown."""
    return [
        cell for _, cells in table.rows for method, cell in cells.items()
        if cell is not None and cell.asked and not cell.hidden and method in table.methods
    ]  # fmt: skip


def thin(table: Wide, most: int) -> Wide:
    """At most `most` scenarios: some levels of every factor, the ends first."""
    kept = thin_levels([levels for levels, _ in table.rows], table.factors, most)
    return replace(table, rows=[table.rows[i] for i in kept])


def thin_levels(
    scenarios: Sequence[dict[str, Any]], factors: Sequence[str], most: int
) -> list[int]:
    """Numbers of at most `most` scenarios: some levels of every factor, the ends first.

    The last factors of the study keep the most levels; a factor for which there is no room
    stays at its first level.
    """
    numbers = list(range(len(scenarios)))
    if len(numbers) <= most:
        return numbers
    levels = {f: list(dict.fromkeys(scenario[f] for scenario in scenarios)) for f in factors}
    kept = dict.fromkeys(factors, 1)
    for goal in range(2, most + 1):
        for factor in reversed(factors):
            if kept[factor] < min(goal, len(levels[factor])):
                more = kept | {factor: kept[factor] + 1}
                if math.prod(more.values()) <= most:
                    kept = more
    some = numbers
    for factor, k in kept.items():
        of = levels[factor]
        keep = [of[round(i * (len(of) - 1) / max(k - 1, 1))] for i in range(k)]
        some = [i for i in some if scenarios[i][factor] in keep]
    return some[:most] or numbers[:most]


def number(value: float, places: int, *, leading_zero: bool = True) -> str:
    """Write a number; proportions go without their leading zero."""
    if math.isnan(value):
        return "-"
    text = f"{value:.{places}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    if not leading_zero:
        text = text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text
    return text


def level_text(value: Level) -> str:
    """Write a factor's level; a scenario may have none."""
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
