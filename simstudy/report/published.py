"""Room 5: a summary beside numbers that somebody printed. Imports frames, wide and errors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from simstudy.errors import UserError, nearest
from simstudy.frames import column, numbers, read_table
from simstudy.report.wide import level_text

if TYPE_CHECKING:
    import pyarrow as pa

_ABOUT = ("printed", "decimals", "replications", "measure", "alpha", "column")


class Pair(NamedTuple):
    """A printed number beside ours.

    Attributes
    ----------
    cell : dict
        Column of the summary -> its level, as the file of printed numbers has them.
    printed, ours, mcse, theory : float
    z : float
        (ours - printed) over the root of ours and the printed Monte Carlo variance and that
        of rounding to the printed decimals.
    """

    cell: dict[str, str]
    printed: float
    ours: float
    mcse: float
    theory: float
    z: float


def compare(summary: pa.Table, file: str) -> list[Pair]:
    """Look up every printed number in a summary.

    Parameters
    ----------
    summary : pyarrow.Table
        As in summary.parquet.
    file : str
        CSV: columns of the summary that identify a cell (factors, method), `printed`, and
        optional ones: `decimals` printed, `replications` behind the printed number,
        `measure` (rejection_rate), `alpha` (the first).
    """
    table = read_table(file)
    given = table.column_names
    keys = [name for name in given if name not in _ABOUT]
    for key in keys:
        if key not in summary.column_names:
            raise UserError(
                f"no column '{key}' in the summary{nearest(key, summary.column_names)}", file=file
            )
    printed = numbers(column(table, "printed", file), "printed", file)
    rows = _by_cell(summary, keys)
    pairs = []
    for i, value in enumerate(printed.tolist()):
        line = {name: table.column(name)[i].as_py() for name in given}
        cell = {key: _text(line[key]) for key in keys}
        measure = line.get("measure") or "rejection_rate"
        found = rows.get((measure, *cell.values()))
        if found is None:
            what = ", ".join(f"{key} {level}" for key, level in cell.items())
            raise UserError(f"no {measure} of {what} in the summary", file=file, line=i + 2)
        pairs.append(_pair(cell, value, line, found))
    return pairs


def _text(value: Any) -> str:
    return level_text(float(value) if isinstance(value, int) else value)


def _by_cell(summary: pa.Table, keys: list[str]) -> dict[tuple[str, ...], dict[str, Any]]:
    wanted = ["measure", *keys, "value", "mcse", "n_used", "theory"]
    rows = summary.select(list(dict.fromkeys(wanted))).to_pylist()
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in rows:
        found.setdefault((row["measure"], *(_text(row[key]) for key in keys)), row)
    return found


def _pair(cell: dict[str, str], printed: float, line: dict[str, Any], row: dict[str, Any]) -> Pair:
    ours, mcse, theory = (
        math.nan if row[k] is None else row[k] for k in ("value", "mcse", "theory")
    )
    variance = mcse * mcse
    if line.get("replications"):
        variance += ours * (1.0 - ours) / line["replications"]
    if line.get("decimals") is not None:
        variance += 10.0 ** (-2 * line["decimals"]) / 12.0
    z = (ours - printed) / math.sqrt(variance) if variance > 0 else math.nan
    return Pair(cell, printed, ours, mcse, theory, z)
