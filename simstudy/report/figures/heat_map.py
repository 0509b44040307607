"""Heat map: a measure by two factors as colors, a panel a method."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure

from simstudy.measures.catalog import record_of
from simstudy.moments import Floats
from simstudy.report.drawing import style
from simstudy.report.drawing.facets import Levels, combinations_of, left_out, ordered
from simstudy.report.drawing.matrix import Matrix
from simstudy.report.drawing.measured import measured
from simstudy.report.drawing.missing import absence, no_method, not_used
from simstudy.report.drawing.page import inches, page, panel_width, text_width, wrapped
from simstudy.report.drawing.plot import plot
from simstudy.report.drawing.scale import Scale, chosen_ticks
from simstudy.report.drawing.view import USUAL, View
from simstudy.report.pivot import Cell, Level, decimals, number, thin_levels, usual_errors

_MOST_PANELS, _PER_ROW, _MOST_LEVELS = 24, 4, 12
_CELL = (0.42, 0.24)  # inches
_BAR = 0.9  # inches for the bar of colors
_TOO_DARK = 0.5  # luminance below which a number is white


class Sides(NamedTuple):
    """What runs along and up the panels; `up` is None where the methods do."""

    across: str | None
    up: str | None
    along: list[Level]
    upward: list[Level]


class Colors(NamedTuple):
    """A color of every value."""

    norm: Normalize
    map: Colormap
    log: bool

    def of(self, values: Floats) -> Floats:
        """Places on the bar of colors."""
        return np.log(values) if self.log else values


@plot(
    "a measure by two factors as colors, a panel a method",
    reads="summary",
    title="heat map",
    takes=("x", "y", "measure"),
    place=9,
    synonyms=("heatmap", "tile", "tiles", "raster", "level_plot", "contour"),
)
def draw(
    summary: pa.Table, title: str = "", alpha: float | None = None, view: View = USUAL
) -> Figure:
    """A measure by two factors; with one factor alone, by that and the methods.

    Parameters
    ----------
    summary : pyarrow.Table
        As in summary.parquet.
    title : str
    alpha : float, optional
        Default: the study's first.
    view : View
        Factors along x and up y, by default the ICC and another one; and the measure.
    """
    whole, scale = measured(summary, view, alpha)
    whole.check(view.x, view.y)
    sides, colors = _sides(whole, view), _colors(whole, scale)
    rest = [f for f in whole.factors if f not in (sides.across, sides.up)]
    each = len(whole.methods) if sides.up else 1
    combinations = combinations_of(whole, rest)
    most = max(_MOST_PANELS // max(each, 1), 1)
    kept = [combinations[i] for i in thin_levels(combinations, rest, most)]
    panels = [(levels, m) for levels in kept for m in range(each)] or [({}, 0)]
    columns = each if len(kept) > 1 and 1 < each <= _PER_ROW else min(len(panels), _PER_ROW)
    if view.width is not None:
        columns = min(columns, max(1, int((view.width / 25.4 - 1.5) / 1.3)))
    lost = left_out(whole.words, combinations, kept)
    part = f"{len(kept)} of {len(combinations)} combinations of the other factors are shown, not: "
    figure, axes = _page(whole, sides, panels, columns, title, view, part + lost if lost else "")
    for k, panel in enumerate(axes.ravel()):
        if k >= len(panels):
            panel.set_axis_off()
            continue
        _panel(panel, whole, scale, sides, colors, *panels[k])
        panel.tick_params(labelbottom=k + columns >= len(panels), labelleft=k % columns == 0)
    _bar(figure, axes, scale, colors)
    return figure


def _sides(matrix: Matrix, view: View) -> Sides:
    """Factors along the axes: those asked for, else the ICC and the ones with most levels."""
    sizes = {f: len({levels[f] for levels in matrix.levels}) for f in matrix.factors}
    usual = sorted(sizes, key=lambda f: (f != "icc", -sizes[f]))
    across = view.x or next((f for f in usual if f != view.y), None)
    up = view.y or next((f for f in usual if f != across), None)

    def levels(factor: str | None) -> list[Level]:
        return ordered(levels[factor] for levels in matrix.levels) if factor else []

    return Sides(across, up, levels(across), levels(up))


def _colors(matrix: Matrix, scale: Scale) -> Colors:
    """Two colors about the value that is right, where that is known; else one range."""
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.maximum(scale.of(matrix.cells["value"][matrix.has_value]), scale.floor)
    values = np.log(values) if scale.log else values
    middle = None if scale.nominal is None else float(np.log(scale.nominal) if scale.log
                                                       else scale.nominal)  # fmt: skip
    if middle is None:
        low, high = (values.min(), values.max()) if values.size else (0.0, 1.0)
        return Colors(Normalize(low, high if high > low else low + 1), colormaps["viridis"],
                      scale.log)  # fmt: skip
    reach = float(np.abs(values - middle).max(initial=0.0)) or 1.0
    reach = max(reach, 0.1 if scale.log else 1e-6)
    return Colors(Normalize(middle - reach, middle + reach), colormaps["RdBu_r"], scale.log)


def _page(
    matrix: Matrix, sides: Sides, panels: list[tuple[Levels, int]], columns: int, title: str,
    view: View, part: str,
) -> tuple[Figure, np.ndarray]:  # fmt: skip
    words, up = matrix.words, sides.up
    upward = _upward(matrix, sides)
    n_along = min(max(len(sides.along), 1), _MOST_LEVELS)
    tall = sum(max(_CELL[1], 0.14 * (text.count("\n") + 1) + 0.06) for text in upward)
    down = -(-len(panels) // columns)
    panel = (max(1.5, _CELL[0] * n_along), max(0.6, tall, 1.5 / down))
    left = 0.55 + min(max((text_width(text, style.TICK) for text in upward), default=0.2), 2.4)
    margins, across = (left, 0.2 + _BAR, 0.0), 0.16
    room = panel_width(panel[0], columns, margins[:2], across, view.width)
    heads = [_head(matrix, sides, levels, m, room) for levels, m in panels]
    deep = max((head.count("\n") + 1 for head in heads if head), default=0)
    fixed = words.levels(matrix.fixed)
    half = max(usual_errors(_cells(matrix)), default=0.0)
    notes = [
        view.said,
        f"All scenarios: {fixed}" if fixed else "",
        f"Monte Carlo SE of a value at most {number(half, _places(matrix) + 1)}" if half else "",
        part,
        not_used(matrix),
    ]  # fmt: skip
    return page(
        down, columns, panel, notes=notes, headings=deep, shared=False,
        labels=(title, words.heading(sides.across or ""), words.heading(up) if up else ""),
        margins=margins, gaps=(across, 0.14 + 0.17 * deep), wide=view.width,
    )  # fmt: skip


def _cells(matrix: Matrix) -> list[Cell]:
    """Cells that have a number."""
    return [cell for _, cells in matrix.table.rows for cell in cells.values()
            if cell is not None and cell.n_used and not cell.hidden]  # fmt: skip


def _places(matrix: Matrix) -> int:
    """Decimals of the numbers."""
    return decimals(_cells(matrix), record_of(matrix.table.measure).decimals, most=4)


def _head(matrix: Matrix, sides: Sides, levels: Levels, m: int, room: float) -> str:
    """What stands over a panel."""
    lines = wrapped(matrix.methods[m], room, style.TICK) if sides.up and matrix.methods else []
    lines += wrapped(matrix.words.equations(levels), room, style.TICK) if levels else []
    return "\n".join(lines)


def _panel(
    axes: Axes, matrix: Matrix, scale: Scale, sides: Sides, colors: Colors, levels: Levels, m: int
) -> None:
    """The cells of one method, or of all methods, with their numbers where there is room."""
    raw, of_panel = _grid(matrix, sides, levels, m)
    grid = np.maximum(scale.of(raw), scale.floor)
    shown = colors.map(colors.norm(colors.of(np.ma.masked_invalid(grid))))
    shown[~np.isfinite(grid)] = (0.95, 0.95, 0.95, 1.0)
    axes.imshow(shown, aspect="auto", origin="lower" if sides.up else "upper",
                interpolation="nearest")  # fmt: skip
    _write(axes, matrix, raw, shown)
    if not np.isfinite(grid).any():
        why = absence(matrix, of_panel, m) if of_panel and matrix.methods else no_method(matrix)
        style.nothing(axes, why)
    elif sides.up is None:
        for row in np.flatnonzero(~np.isfinite(grid).any(axis=1)).tolist():
            axes.text((grid.shape[1] - 1) / 2, row, absence(matrix, of_panel, row), ha="center",
                      va="center", fontsize=style.NOTE, color=style.GRAY)  # fmt: skip
    marks = range(0, len(sides.along), -(-len(sides.along) // _MOST_LEVELS) or 1)
    across = sides.across or ""
    axes.set_xticks(list(marks), [matrix.words.level(across, sides.along[k]) for k in marks])
    texts = _upward(matrix, sides)
    axes.set_yticks(range(len(texts)), texts)
    head = _head(matrix, sides, levels, m, inches(axes)[0])
    axes.set_title(head, fontsize=style.TICK, color=style.INK, pad=4)
    style.clean(axes, None)
    axes.tick_params(length=0)


def _upward(matrix: Matrix, sides: Sides) -> list[str]:
    """What stands up the axis: levels, or the methods."""
    if sides.up is None:
        return ["\n".join(wrapped(name, 2.4, style.TICK)) for name in matrix.methods]
    return [matrix.words.level(sides.up, level) for level in sides.upward]


def _grid(matrix: Matrix, sides: Sides, levels: Levels, m: int) -> tuple[Floats, list[int]]:
    """Values of a panel, shape (up, along), and the scenarios in it."""
    rows = len(sides.upward) if sides.up else len(matrix.methods)
    grid = np.full((max(rows, 1), max(len(sides.along), 1)), np.nan)
    of_panel = [s for s, row in enumerate(matrix.levels)
                if all(row[f] == level for f, level in levels.items())]  # fmt: skip
    values = np.where(matrix.has_value, matrix.cells["value"], np.nan)
    for s in of_panel:
        row = matrix.levels[s]
        k = sides.along.index(row[sides.across]) if sides.across else 0
        if sides.up:
            grid[sides.upward.index(row[sides.up]), k] = values[s, m]
        elif matrix.methods:
            grid[:, k] = values[s]
    return grid, of_panel


def _write(axes: Axes, matrix: Matrix, grid: Floats, shown: Floats) -> None:
    """Numbers in the cells of a panel that is not too fine for them."""
    if 0.9 * inches(axes)[0] < 0.34 * grid.shape[1]:
        return
    places, rate = _places(matrix), record_of(matrix.table.measure).proportion
    dark = shown[..., :3] @ np.array([0.299, 0.587, 0.114]) < _TOO_DARK
    for row, k in np.argwhere(np.isfinite(grid)):
        text = number(grid[row, k], places, leading_zero=not rate).replace("-", "\N{MINUS SIGN}")
        axes.text(k, row, text, ha="center", va="center", fontsize=6.5,
                  color="white" if dark[row, k] else style.INK)  # fmt: skip


def _bar(figure: Figure, axes: np.ndarray, scale: Scale, colors: Colors) -> None:
    """The bar of colors at the right, the value that is right marked on it."""
    width, height = figure.get_size_inches()
    first, last = axes[0][-1].get_position(), axes[-1][-1].get_position()
    high = min(first.y1 - last.y0, 2.2 / height)
    place = figure.add_axes((1 - (_BAR + 0.02) / width, first.y1 - high, 0.13 / width, high))
    bar = figure.colorbar(ScalarMappable(colors.norm, colors.map), cax=place)
    low, top = np.array([colors.norm.vmin, colors.norm.vmax], dtype=float)
    ends = (np.exp(low), np.exp(top)) if colors.log else (low, top)
    ticks = chosen_ticks(scale, float(ends[0]), min(float(ends[1]), scale.end), most=5)
    bar.set_ticks([float(v) for v in colors.of(np.array(ticks))], labels=[*map(scale.text, ticks)])
    bar.ax.set_ylim(float(low), float(colors.of(np.array(min(ends[1], scale.end)))))
    bar.ax.tick_params(labelsize=style.NOTE, length=2, colors=style.INK)
    bar.outline.set_visible(False)
    label = "\n".join(wrapped(scale.label, high * height + 0.2, style.NOTE))
    look: dict[str, Any] = {"fontsize": style.NOTE, "color": style.INK, "linespacing": 1.1}
    bar.set_label(label, rotation=270, va="bottom", labelpad=9.0 * (1 + label.count("\n")), **look)
