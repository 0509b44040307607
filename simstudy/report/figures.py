"""Room 5: figures that go into a paper as they are. Imports wide; matplotlib's Figure.

Each takes a summary and returns a Figure; no global state of matplotlib is touched.
"""

from __future__ import annotations

import io
import math
from itertools import product
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from simstudy.report.wide import Cell, Wide, level_text, number, wide

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.axes import Axes

# Okabe & Ito (2008): told apart by readers with any kind of colour vision
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_FLOOR = 0.05  # of the nominal level: where the logarithmic axis ends
_MOST_ROWS, _MOST_COLUMNS, _MOST_TICKS = 8, 6, 10  # of facets and labels: what a page holds
_GREY, _INK = "#8a8a8a", "#222222"
_NOMINAL: dict[str, Any] = {"color": _GREY, "linewidth": 0.8, "linestyle": (0, (4, 2))}
_TICKS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8)
_NAMES = {
    "icc": "ICC of the outcome",
    "x_icc": "ICC of x",
    "cluster_size": "cluster size",
    "n_clusters": "clusters",
    "slope": "slope",
}


def type1_error(summary: pa.Table, title: str = "", alpha: float | None = None) -> Figure:
    """Type I error by ICC: columns x_icc, rows cluster size (and clusters), colour = method.

    Parameters
    ----------
    summary : pyarrow.Table
        As in summary.parquet.
    title : str
    alpha : float, optional
        Default: the study's first.
    """
    table = wide(summary, "rejection_rate", alpha)
    null = any(row[0].get("slope") == 0 for row in table.rows)
    if null:
        table.rows[:] = [row for row in table.rows if row[0].get("slope") == 0]
    across = "icc" if "icc" in table.factors or not table.factors else table.factors[0]
    column = _varying(table, ("x_icc", "x"))
    row_factors = [f for f in table.factors if f not in (across, column)]
    if null:
        row_factors = [f for f in row_factors if f != "slope"]
    every = [_levels(table, [column] if column else []), _levels(table, row_factors)]
    columns, rows = every[0][:_MOST_COLUMNS], every[1][:_MOST_ROWS]
    for what, shown, there in zip(("columns", "rows"), (columns, rows), every, strict=True):
        if len(shown) < len(there):
            title = f"{title} (first {len(shown)} of {len(there)} {what})".strip()
    figure, axes = _panels(len(rows), len(columns))
    for (i, row), (k, col) in product(enumerate(rows), enumerate(columns)):
        cells = [r for r in table.rows if _matches(r[0], row) and _matches(r[0], col)]
        _panel(axes[i][k], table, cells, across)
        heading = _heading(col) if i == 0 else ""
        axes[i][k].set_title(heading, fontsize=9, color=_INK)
        if k == len(columns) - 1 and row:
            _row_label(axes[i][k], _heading(row, "\n"))
    _finish(figure, axes, table, across, title, "Type I error" if null else "Rejection rate")
    return figure


FIGURES = {"type1_error": type1_error}


def encode(figure: Figure, ending: str) -> bytes:
    """A figure as a PNG of 200 dpi or a PDF, without a date so that runs compare."""
    stream = io.BytesIO()
    metadata = {"CreationDate": None} if ending == "pdf" else None
    figure.savefig(stream, dpi=200, format=ending, metadata=metadata)
    return stream.getvalue()


def _varying(table: Wide, names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name in table.factors), None)


def _levels(table: Wide, factors: list[str]) -> list[dict[str, Any]]:
    """Combinations of levels that occur, in the order of the study."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for levels, _ in table.rows:
        key = tuple(levels[f] for f in factors)
        found.setdefault(key, {f: levels[f] for f in factors})
    return list(found.values()) or [{}]


def _matches(levels: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return all(levels[factor] == value for factor, value in wanted.items())


def _heading(levels: dict[str, Any], separator: str = ", ") -> str:
    parts = (f"{_NAMES.get(f, f)} = {level_text(v) or 'none'}" for f, v in levels.items())
    return separator.join(parts)


def _panels(n_rows: int, n_columns: int) -> tuple[Figure, Any]:
    width = min(max(2.2 * n_columns + 1.4, 4.6), 13)
    height = min(max(1.75 * n_rows + 1.3, 3.4), 20)
    figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.04, h_pad=0.04))
    return figure, figure.subplots(n_rows, n_columns, sharex=True, sharey=True, squeeze=False)


def _panel(axes: Axes, table: Wide, rows: list[Any], across: str) -> None:
    """One facet: a line a method with its Monte Carlo intervals, the nominal line."""
    axes.axhline(table.alpha, zorder=1, **_NOMINAL)
    ticks = list(dict.fromkeys(row[0].get(across) for row in table.rows))
    for m, method in enumerate(table.methods):
        shift = 0.09 * (m - (len(table.methods) - 1) / 2)
        points = [(ticks.index(r[0].get(across)) + shift, r[1].get(method)) for r in rows]
        shown = [(x, cell) for x, cell in points if cell is not None and cell.n_used]
        if shown:
            _line(axes, shown, m, floor=table.alpha * _FLOOR)
    absent = [
        m for m in table.methods if not any(c and c.n_used for c in (r[1].get(m) for r in rows))
    ]
    if absent and rows:
        text = "not estimable: " + ", ".join(absent)
        axes.text(0.03, 0.97, text, transform=axes.transAxes, fontsize=7, color=_GREY, va="top")
    labelled = range(0, len(ticks), math.ceil(len(ticks) / _MOST_TICKS) or 1)
    axes.set_xticks(labelled, [level_text(ticks[i]) for i in labelled])
    axes.tick_params(labelsize=8, colors=_INK, length=2.5, width=0.6)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(_GREY)
        axes.spines[side].set_linewidth(0.6)
    axes.grid(axis="y", color="#ececec", linewidth=0.6)
    axes.set_axisbelow(True)


def _line(axes: Axes, points: list[tuple[float, Cell]], m: int, floor: float) -> None:
    """A method's line; what is below the logarithmic axis is drawn on its edge."""
    x = [at for at, _ in points]
    y = [max(cell.value, floor) for _, cell in points]
    low = [max(at - max(c.ci_low, floor), 0.0) for at, (_, c) in zip(y, points, strict=True)]
    high = [max(c.ci_high - at, 0.0) for at, (_, c) in zip(y, points, strict=True)]
    axes.errorbar(
        x, y, yerr=[low, high], markersize=3.6, linewidth=1.1, elinewidth=0.9, capsize=0,
        zorder=3 - 0.1 * m, **_style(m),
    )  # fmt: skip


def _style(m: int) -> dict[str, Any]:
    """Colour, marker and line of method number m, the same in panels and legend."""
    return {
        "color": COLOURS[m % len(COLOURS)],
        "marker": MARKERS[m % len(MARKERS)],
        "linestyle": "-" if m < len(COLOURS) else "--",
    }


def _row_label(axes: Axes, text: str) -> None:
    axes.annotate(
        text, (1.03, 0.5), xycoords="axes fraction", rotation=270, va="center", ha="left",
        fontsize=9, color=_INK,
    )  # fmt: skip


def _finish(figure: Figure, axes: Any, table: Wide, across: str, title: str, label: str) -> None:
    """Logarithmic axis with a tick at the nominal level, one legend, one label an axis."""
    from matplotlib.lines import Line2D

    first = axes[0][0]
    ends = [c for _, cells in table.rows for c in cells.values() if c is not None and c.n_used]
    floor = table.alpha * _FLOOR
    low = min([table.alpha / 1.6, *(max(c.ci_low, floor) for c in ends)])
    high = max([table.alpha * 1.6, *(c.ci_high for c in ends)])
    first.set_yscale("log")
    first.set_ylim(low / 1.1, min(high * 1.1, 1.02))
    ticks = sorted({t for t in _TICKS if abs(t / table.alpha - 1) > 0.3} | {table.alpha})
    first.yaxis.set_major_locator(FixedLocator(ticks))
    first.yaxis.set_minor_locator(NullLocator())
    first.yaxis.set_major_formatter(
        FuncFormatter(lambda v, _: number(v, _places(v), leading_zero=False))
    )
    handles = [
        Line2D([], [], markersize=4, linewidth=1.2, label=method, **_style(m))
        for m, method in enumerate(table.methods)
    ]
    handles.append(Line2D([], [], label=f"nominal {table.alpha:g}", **_NOMINAL))
    figure.supxlabel(_NAMES.get(across, across), fontsize=9, color=_INK)
    figure.supylabel(label + " (95 % Monte Carlo interval)", fontsize=9, color=_INK)
    inches = sum(0.065 * len(str(handle.get_label())) + 0.55 for handle in handles)
    rows = math.ceil(inches / figure.get_figwidth())
    columns = math.ceil(len(handles) / rows)
    legend = figure.legend(
        handles=handles, loc="outside upper center", ncols=columns, fontsize=8, frameon=False,
        title=title or None, title_fontsize=10,
    )  # fmt: skip
    legend.get_title().set_color(_INK)


def _places(value: float) -> int:
    return max(2, len(f"{value:g}") - 2)
