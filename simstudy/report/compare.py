"""A summary beside numbers that somebody printed."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from simstudy.errors import UserError, nearest
from simstudy.measures.catalog import record_of
from simstudy.measures.names import asked
from simstudy.readers.columns import without_missing
from simstudy.readers.labels import as_written
from simstudy.readers.read import read
from simstudy.readers.table import Batch, Table
from simstudy.report.nearness import of_proportions, z_of
from simstudy.report.nulls import Aim
from simstudy.report.pivot import level_text

if TYPE_CHECKING:
    import pyarrow as pa

_NUMBERS = ("printed", "decimals", "replications", "mcse", "alpha")
_ABOUT = (*_NUMBERS, "measure", "column")
_METHODS = ("method", "method_name")
_USUAL = "rejection_rate"
Row = dict[str, Any]


class Pair(NamedTuple):
    """A printed number beside ours.

    Attributes
    ----------
    cell : dict
        Column of the summary -> its level, as the file of printed numbers has them.
    measure : str
    alpha : float
        NaN for a measure without one.
    printed, ours, mcse, theory : float
    z : float
        (ours - printed) over the root of the variance of that difference; NaN where one of
        the two is missing, or nothing is known of its error.
    """

    cell: dict[str, str]
    measure: str
    alpha: float
    printed: float
    ours: float
    mcse: float
    theory: float
    z: float

    @property
    def missing(self) -> str | None:
        """Why there is no z."""
        if not math.isnan(self.z):
            return None
        if math.isnan(self.printed):
            return "no printed number"
        return "no number here" if math.isnan(self.ours) else "no Monte Carlo error here"


def compare(summary: pa.Table, file: str) -> list[Pair]:
    """Look up every printed number in a summary.

    Parameters
    ----------
    summary : pyarrow.Table
        As in summary.parquet.
    file : str
        CSV: columns of the summary that identify a cell (factors, and method by its label or
        its canonical name), `printed`, and optional ones: `measure` (rejection_rate), `alpha`
        (the first), `decimals` printed, and of the printed number `replications` or `mcse`;
        without both it has no error. `column` is a remark.
    """
    table = read(file)
    keys = [name for name in table.names if name and name not in _ABOUT]
    for key in keys:
        if key not in summary.column_names:
            known = nearest(key, summary.column_names)
            raise UserError(f"no column '{key}' in the summary{known}", file=file)
    given = [name for name in ("printed", *_ABOUT[1:]) if name == "printed" or table.has(name)]
    rows = table.whole([*given, *keys])
    if not rows.num_rows:
        raise UserError("no rows", file=file)
    by_cell = _by_cell(summary, keys)
    pairs = []
    for i, line in enumerate(_lines(table, rows, [*given, *keys])):
        levels = {k: float(line[k]) if isinstance(line[k], int) else line[k] for k in keys}
        cell = {key: "" if level is None else level_text(level) for key, level in levels.items()}
        try:
            row = _found(by_cell, line, cell)
        except UserError as error:
            rows.refuse(str(error), i)
        pairs.append(_pair(cell, line, row))
    return pairs


def _lines(table: Table, rows: Batch, names: list[str]) -> list[Row]:
    """Numbers, NaN where missing, and labels, None where missing, of every line."""
    columns: dict[str, list[Any]] = {}
    for name in names:
        if name in _NUMBERS:
            columns[name] = rows.numbers(name).tolist()
        elif name in _METHODS:
            columns[name] = [label or None for label in rows.labels(name).to_pylist()]
        else:
            labels, _ = without_missing(rows.labels(name))
            plain = as_written(labels) if table.is_written(name) else labels
            columns[name] = plain.to_pylist()
    return [dict(zip(columns, line, strict=True)) for line in zip(*columns.values(), strict=True)]


def _level(key: str, value: Any) -> Any:
    """A level by its value, however it is written; a method by its text."""
    if key in _METHODS or value is None:
        return value
    try:
        return float(value)
    except ValueError:
        return str(value)


def _by_cell(summary: pa.Table, keys: list[str]) -> dict[tuple[Any, ...], list[Row]]:
    """Rows of the summary by measure and cell, in which a method has its label or its name."""
    by_label: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    by_name: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in summary.to_pylist():
        named = row | {"method": row.get("method_name")}
        for of, rows in ((row, by_label), (named, by_name)):
            rows[row["measure"], *(_level(key, of[key]) for key in keys)].append(row)
    return by_name | by_label


def _found(rows: dict[tuple[Any, ...], list[Row]], line: Row, cell: dict[str, str]) -> Row:
    """The one row of the summary that a line is about."""
    known = dict.fromkeys(key[0] for key in rows)
    measure = asked(line.get("measure") or _USUAL, known, "no measure '{}' in the summary")
    here = rows.get((measure.measure, *(_level(key, line[key]) for key in cell)))
    if here is not None and measure.null is not None:
        here = [row for row in here if _aim(row).null is measure.null] or None
    what = measure.name + " of " + ", ".join(f"{key} {level}" for key, level in cell.items())
    if here is None:
        raise UserError(f"no {what} in the summary")
    here = _at_alpha(here, line.get("alpha", math.nan), what)
    if len(here) > 1:
        _refuse_several(here, list(cell), what)
    return here[0]


def _aim(row: Row) -> Aim:
    truth, null_value = row.get("truth"), row.get("null_value")
    return Aim(row.get("estimand"), math.nan if truth is None else truth, null_value or 0.0)


def _at_alpha(here: list[Row], alpha: float, what: str) -> list[Row]:
    """Rows at a level, or at the first there is."""
    alphas = list(dict.fromkeys(row["alpha"] for row in here))
    first = math.isnan(alpha) or alphas == [None]
    chosen = [row for row in here if row["alpha"] == (alphas[0] if first else alpha)]
    if not chosen:
        levels = ", ".join(f"{level:g}" for level in alphas)
        raise UserError(f"no {what} at alpha {alpha:g} in the summary; there is {levels}")
    return chosen


def _refuse_several(here: list[Row], keys: list[str], what: str) -> None:
    names = list(here[0])
    before = names[: names.index("method") + 1]
    told = [name for name in before if name not in ("scenario", "n_obs", "design_effect", *keys)]
    differ = [name for name in told if len({row[name] for row in here}) > 1] or ["scenario"]
    message = f"{len(here)} cells of the summary are {what}; say which"
    raise UserError(f"{message} in a column {' and in one '.join(differ)}")


def _pair(cell: dict[str, str], line: Row, row: Row) -> Pair:
    """A line beside its row."""
    ours, mcse, theory, alpha = (
        math.nan if row.get(k) is None else float(row[k])
        for k in ("value", "mcse", "theory", "alpha")
    )
    measure, printed, more = row["measure"], line["printed"], line.get("decimals", math.nan)
    variance = _variance(line, measure, ours, mcse, row["n_used"])
    variance += 0.0 if math.isnan(more) else 10.0 ** (-2 * more) / 12.0
    z = z_of(ours - printed, variance)
    return Pair(cell, measure, alpha, printed, ours, mcse, theory, z)


def _variance(line: Row, measure: str, ours: float, mcse: float, n: int) -> float:
    """Variance of ours minus the printed number, where both estimate the same.

    The Monte Carlo variance of any measure falls with the number of replications, so that of
    the printed number is ours times n over its replications.
    """
    printed, own, m = (line.get(k, math.nan) for k in ("printed", "mcse", "replications"))
    if not math.isnan(own):
        return mcse * mcse + own * own
    if record_of(measure).proportion and n > 0 and 0 <= printed <= 1:
        return of_proportions(ours, n, printed, math.inf if math.isnan(m) else m)
    return mcse * mcse * (1.0 if math.isnan(m) else 1.0 + n / m)
