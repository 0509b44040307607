"""Zip plot of confidence intervals.

Intervals from the best centred to the worst, those that miss the truth in another colour
(Morris, White & Crowther 2019, Stat. Med. 38:2074-2102, section 6.4).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter

from simstudy.report.figures import style
from simstudy.report.figures.letters import literal
from simstudy.report.figures.missing import not_used_of, why_empty
from simstudy.report.figures.page import Layout, page, told_apart, wrapped
from simstudy.report.figures.used import (
    Targets,
    Used,
    covers,
    intervals,
    targets,
    used,
    worst_last,
)
from simstudy.report.wide import number

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

COVERS, MISSES = style.COLOURS[5], style.COLOURS[0]
_Z = 1.959963984540054
_MOST_LINES = 400  # a panel: about a line a pixel
_FEW = 40  # intervals that are all shown, from the best to the worst
_PER_ROW = 4
_HEIGHT = 2.5  # inches of a panel


@literal
def zip_plot(
    estimates: pa.Table | ds.Dataset, title: str = "", alpha: float = 0.05, *,
    true: float | Targets = 0.0, labels: Mapping[str, str] | None = None, what: str = "",
) -> Figure:  # fmt: skip
    """Confidence intervals of every method, ranked by how far they are from the truth.

    Where methods have different truths, each is drawn less its own.

    Parameters
    ----------
    estimates : pyarrow.Table or Dataset
        As in estimates/, one scenario.
    title : str
    alpha : float
    true : float, or mapping of label to Target
        The truth, one for all methods or each method's.
    labels : mapping, optional
        Canonical name of a method -> its label; in this order.
    what : str
        The scenario in words.
    """
    rows = used(estimates, labels)
    aims = targets(true, rows)
    truths = {name: target.aim.truth for name, target in aims.items()}
    known = {truth for truth in truths.values() if truth == truth}
    centre = known.pop() if len(known) == 1 else 0.0
    moved = {name: truth - centre for name, truth in truths.items()}  # 0 where all have one truth
    words = " / ".join(dict.fromkeys(target.words for target in aims.values()))
    label = "estimate less the truth" if any(moved.values()) else words
    covered = {name: covers(mine, truths[name], alpha) for name, mine in rows.items()
               if truths[name] == truths[name]}  # fmt: skip
    shares = [c.mean() for c in covered.values() if c.size]
    most = max((c.size for c in covered.values()), default=0)
    start = 50.0 if min(shares, default=0.0) > 0.6 and most >= _FEW else 0.0
    n = max(len(rows), 1)
    short = told_apart(list(rows), lambda name: "\n".join(wrapped(name, 1.75, style.TICK)[:3]))
    heads = dict(zip(rows, short, strict=True))
    lines = max((head.count("\n") + 1 for head in short), default=1)
    columns = min(n, _PER_ROW)
    layout = Layout(
        title, label, "centile", _handles(alpha), [*_notes(what, most), *not_used_of(rows)],
        panel=(1.75, _HEIGHT), hspace=0.3 + 0.14 * lines, headings=lines,
    )  # fmt: skip
    figure, axes = page(-(-n // columns), columns, layout)
    reach = _reach(rows, alpha, truths)
    for k, at in enumerate(axes.ravel()):
        if k >= len(rows):
            at.set_axis_off()
            continue
        name = list(rows)[k]
        about = _About(alpha, truths[name], moved[name], start)
        _panel(at, rows[name], covered.get(name), about)
        at.set_title(heads[name], fontsize=style.TICK, color=style.INK, pad=4)
        at.tick_params(labelbottom=k + columns >= len(rows))
    axes[0][0].set_ylim(start, 100.5)
    _across(axes[0][0], centre, reach)
    return figure


def _notes(what: str, n_intervals: int) -> list[str]:
    """What is said below the figure."""
    notes = [what] if what else []
    notes += ["Intervals are ranked by the p-value of the test of the truth, the worst on top"]
    notes += ["Numbers: share that covers, ± 1.96 Monte Carlo SE"]
    if n_intervals > _MOST_LINES:
        notes += [f"Of {n_intervals} intervals a method {_MOST_LINES} are drawn, evenly by rank"]
    return notes


def _across(axes: Axes, true: float, reach: float) -> None:
    """The axis of the estimand, the truth in its middle."""
    axes.set_xlim(true - reach, true + reach)
    decade = 10.0 ** np.floor(np.log10(0.7 * reach))
    step = decade * max(k for k in (1, 2, 5) if k * decade <= 0.7 * reach)
    axes.xaxis.set_major_locator(FixedLocator([true - step, true, true + step]))
    axes.xaxis.set_major_formatter(FuncFormatter(_tick))


def _handles(alpha: float) -> list[Artist]:
    """What colours and lines mean, in a legend."""
    return [
        Line2D([], [], color=COVERS, linewidth=2.5, label="covers the truth"),
        Line2D([], [], color=MISSES, linewidth=2.5, label="misses it"),
        Line2D([], [], label=f"nominal {100 * (1 - alpha):g} %", **style.NOMINAL),
    ]


def _tick(value: float, _: object) -> str:
    return f"{value:.6g}".replace("-", "\N{MINUS SIGN}")


def _reach(rows: Mapping[str, Used], alpha: float, truths: Mapping[str, float]) -> float:
    """How far from the truth the axis goes: nearly all limits of nearly all methods."""
    ends = []
    for name, mine in rows.items():
        low, high = intervals(mine, alpha)
        true = truths[name]
        far = np.maximum(np.abs(low - true), np.abs(high - true))
        far = far[np.isfinite(far)]
        if far.size:
            ends.append(float(np.quantile(far, 0.98)))
    found = min(max(ends), 3.0 * float(np.median(ends))) if ends else 1.0
    return 1.08 * found or 1.0


class _About(NamedTuple):
    """Level, truth, what is taken off all estimates, and the first centile."""

    alpha: float
    true: float
    moved: float
    start: float


def _panel(axes: Axes, rows: Used, covered: Any, about: _About) -> None:
    """One method: a line an interval, the truth, the nominal coverage and the one found."""
    alpha, true, moved, start = about
    style.clean(axes, None)
    if covered is None:
        style.nothing(axes, "the truth differs\nbetween data sets")
        return
    axes.axvline(true - moved, color=style.INK, linewidth=0.7, zorder=3)
    if not covered.size:
        style.nothing(axes, why_empty(rows))
        return
    low, high = (ends - moved for ends in intervals(rows, alpha))
    order = worst_last(rows, true)
    n = order.size
    centile = 100.0 * (np.arange(n) + 0.5) / n
    first = int(np.searchsorted(centile, start))
    kept = np.unique(np.linspace(first, n - 1, min(n - first, _MOST_LINES)).round().astype(int))
    pieces = [((low[i], c), (high[i], c)) for i, c in zip(order[kept], centile[kept], strict=True)]
    colours = np.where(covered[order[kept]], COVERS, MISSES).tolist()
    width = min(1.15 * 72 * _HEIGHT / len(kept), 4.0)
    axes.add_collection(LineCollection(pieces, colors=colours, linewidths=width, rasterized=True))
    axes.axhline(100 * (1 - alpha), zorder=3, **style.NOMINAL)
    share = covered.mean()
    half = _Z * np.sqrt(share * (1 - share) / n)
    text = f"{int(share)} of 1 covers"
    if n > 1:
        text = "{} cover\n±{}".format(*(number(v, 3, leading_zero=False) for v in (share, half)))
    axes.text(0.03, 0.03, text, transform=axes.transAxes, fontsize=style.NOTE, color=style.INK,
              va="bottom", zorder=4,
              bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5})  # fmt: skip
