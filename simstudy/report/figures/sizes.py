"""Size at every level, from p-values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from simstudy.moments import Floats
from simstudy.report.figures import style
from simstudy.report.figures.letters import literal
from simstudy.report.figures.missing import not_used_of, why_empty
from simstudy.report.figures.page import Layout, page
from simstudy.report.figures.used import Target, Targets, Used, targets, used

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds
    from matplotlib.axes import Axes

_Z = 1.959963984540054
_FEW = 40
_EXPECTED = 10  # rejections at the left end: fewer say nothing
_TICKS = (0.0001, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0)
_RATIOS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.8, 1.0, 1.25, 2, 5, 10, 20, 50, 100, 1000)


@literal
def p_values(
    estimates: pa.Table | ds.Dataset, title: str = "", alpha: float = 0.05, *,
    true: float | Targets = 0.0, labels: Mapping[str, str] | None = None, what: str = "",
) -> Figure:  # fmt: skip
    """Empirical distribution of the p-values: the size of the test at every level.

    Where the null is true, over the level itself: 1 is right, and a fair test stays in the
    95 % band at any one level. Where it is false, the power at every level.

    Parameters: as `zip_plot`.
    """
    rows = used(estimates, labels)
    n = max((np.isfinite(mine.p_value).sum() for mine in rows.values()), default=0)
    aims = targets(true, rows)
    null = all(target.aim.null for target in aims.values())
    over = null and n >= _FEW  # the ratio to the level; of few p-values, the share itself
    first = min(alpha / 1.5, max(_EXPECTED / max(int(n), 1), 1e-4))
    first = max(first, 1e-4)
    levels = np.geomspace(first, 1.0, 241)
    found = {name: _sizes(mine, levels) for name, mine in rows.items()}
    handles = [
        Line2D([], [], **_line(aims[name]), label=name + (
            "" if found[name] is not None else f": {why_empty(mine)}"))
        for name, mine in rows.items()
    ]  # fmt: skip
    handles.append(Line2D([], [], label="nominal", **style.NOMINAL))
    patches = [Patch(facecolor=style.INNER_BAND, label="95 % band of a fair test")] if over else []
    label = "rejection rate / level" if over else "rejection rate"
    notes = [what] if what else []
    notes += [f"Replications: {n}" + ("; the band is for one level at a time" if over else "")]
    notes += [*_kinds({k: aims[k] for k in found if found[k] is not None}), *not_used_of(rows)]
    layout = Layout(title, "nominal level", label, [*handles, *patches], notes, panel=(4.6, 3.0),
                    headings=0)  # fmt: skip
    figure, axes = page(1, 1, layout)
    only = axes[0][0]
    for m, (name, size) in enumerate(found.items()):
        if size is not None:
            only.plot(levels, size / levels if over else size, zorder=3 - 0.01 * m,
                      **_line(aims[name]))  # fmt: skip
    _scales(only, levels, [s for s in found.values() if s is not None], int(n), over=over)
    only.axvline(alpha, color=style.GREY, linewidth=0.6, zorder=1)
    style.clean(only)
    return figure


def _line(target: Target) -> dict[str, Any]:
    look = style.series(target.place)
    return {"color": look["color"], "linestyle": look["linestyle"], "linewidth": 1.3}


def _kinds(aims: Targets) -> list[str]:
    """What is not a Type I error, and why."""
    powers = {name: target for name, target in aims.items() if target.aim.null is False}
    neither = [name for name, target in aims.items() if target.aim.null is None]
    notes = []
    if powers and len(powers) == len(aims):
        same = dict.fromkeys(f"The {t.words} is {t.aim.truth:g}" for t in powers.values())
        notes = [f"{', '.join(same)}, so this is power"]
    elif powers:
        notes = [f"Power, not Type I error: {', '.join(powers)}"]
    if neither:
        notes += [f"Neither, as the truth differs between data sets: {', '.join(neither)}"]
    return notes


def _sizes(rows: Used, levels: Floats) -> Floats | None:
    """Share of p-values below each level; None where there are none."""
    p = np.sort(rows.p_value[np.isfinite(rows.p_value)])
    return np.searchsorted(p, levels, side="left") / p.size if p.size else None


def _scales(axes: Axes, levels: Floats, sizes: list[Floats], n: int, *, over: bool) -> None:
    """Both axes, the nominal line, and the band of a test that holds every level."""
    axes.set_xscale("log")
    axes.set_xlim(levels[0], 1.0)
    axes.xaxis.set_major_locator(FixedLocator([t for t in _TICKS if t >= levels[0] * 0.999]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    if not over:
        axes.plot(levels, levels, zorder=1, **style.NOMINAL)
        axes.set_ylim(-0.02, 1.02)
        return
    half = _Z * np.sqrt((1 - levels) / levels / max(n, 1))
    low, high = np.maximum(1 - half, 0.02), 1 + half
    axes.fill_between(levels, low, high, color=style.INNER_BAND, linewidth=0, zorder=0.5)
    axes.axhline(1.0, zorder=1, **style.NOMINAL)
    ratios = [np.maximum(size / levels, 0.02) for size in sizes]
    ends = np.concatenate([[0.75, 1.35], *ratios, low, high])
    bottom, top = ends.min() / 1.06, ends.max() * 1.06
    axes.set_yscale("log")
    axes.set_ylim(bottom, top)
    ticks = [t for t in _RATIOS if top / bottom < 40 or not 0.5 < t < 2 or t == 1]
    axes.yaxis.set_major_locator(FixedLocator([t for t in ticks if bottom <= t <= top]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
