"""One method's estimates and SEs against another's.

Below each scatter its difference against its mean, with the mean difference and the 95 %
limits of agreement (Bland & Altman 1986, Lancet 327:307-310).
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from simstudy.errors import UserError, nearest
from simstudy.measures.values import Z95
from simstudy.moments import Floats
from simstudy.report.drawing import style
from simstudy.report.drawing.page import page, told_apart
from simstudy.report.drawing.plot import plot
from simstudy.report.drawing.rows import Sample
from simstudy.report.drawing.view import USUAL, View

_MOST_POINTS = 4000


Pair = tuple[str, Floats, Floats]  # a quantity, by the reference and by the other method


@plot(
    "estimate and SE of one method against another's, one scenario",
    reads="rows",
    title="agreement of two methods",
    takes=("x", "y"),
    place=8,
    synonyms=("bland_altman", "scatter", "pairs", "comparison"),
)
def draw(sample: Sample, view: View = USUAL) -> Figure:
    """Estimate and SE of a method against a reference, replication by replication.

    Parameters
    ----------
    sample : Sample
        Default of its reference: the first method that has standard errors.
    view : View
        Its x is the reference instead, its y the other method, by default the last one that
        estimates the same as the reference.
    """
    sample = sample._replace(reference=view.x or sample.reference)
    methods, method = sample.methods, view.y
    for name in (sample.reference, method):
        if name is not None and name not in methods:
            raise UserError(f"no method '{name}'{nearest(name, methods)}")
    first, second = _two(sample, method)
    pairs = _pairs(sample, first, second)
    n, of = pairs[0][1].size, max((rows.n_all for rows in methods.values()), default=0)
    counts = f"{n} of {of}" if n < of else f"{n}"
    drawn = f", {_MOST_POINTS} of them drawn" if n > _MOST_POINTS else ""
    lines = "Lines: equality (dashed); mean difference and 95 % limits of agreement (blue)"
    title = sample.title or (f"{second} against {first}" if second else first)
    figure, axes = page(
        2, 2, (2.5, 2.2), labels=(title, "", ""), headings=0, shared=False,
        notes=[sample.what, f"{counts} replications that both methods have{drawn}",
               lines if n > 1 else ""],
        margins=(0.85, 0.2, 0.22), gaps=(0.95, 0.62), wide=view.width,
    )  # fmt: skip
    cut = told_apart((first, second), lambda name: name if len(name) <= 26 else name[:25] + "…")
    for k, (quantity, x, y) in enumerate(pairs):
        names = [f"{quantity}, {name}" if name else quantity for name in cut]
        _label(axes[0][k], names[0], names[1] if first else "")
        _label(axes[1][k], f"mean {quantity}", f"difference in {quantity}")
        if x.size:
            _against(axes[0][k], x, y)
            _bland_altman(axes[1][k], x, y)
            continue
        why = "no replication that both have" if second else "there is no other method"
        for panel, text in ((axes[0][k], why), (axes[1][k], "no replication that both have")):
            style.nothing(panel, text)
            panel.set(xticks=[], yticks=[])
    return figure


def _two(sample: Sample, method: str | None) -> tuple[str, str]:
    """Labels of the two methods; empty where there is none."""
    methods = sample.methods
    fitted = [name for name, rows in methods.items() if rows.estimate.size] or list(methods)
    known = [name for name in fitted if (methods[name].std_error > 0).any()] or fitted
    first = sample.reference or next((name for name in known if name != method), "")
    words = {name: methods[name].target.words for name in known}
    alike = [name for name in known if name != first and words[name] == methods[first].target.words]
    return first, method or next(reversed(alike), "")


def _pairs(sample: Sample, first: str, second: str) -> list[Pair]:
    """Estimates and SEs by both methods, in the replications that both have."""
    quantities = {"estimate": "estimate", "SE": "std_error"}
    if first not in sample.methods or second not in sample.methods:
        return [(quantity, np.empty(0), np.empty(0)) for quantity in quantities]
    rows = sample.methods[first], sample.methods[second]
    _, a, b = np.intersect1d(
        rows[0].replication, rows[1].replication, assume_unique=True, return_indices=True
    )
    pairs = []
    for quantity, name in quantities.items():
        x, y = getattr(rows[0], name)[a], getattr(rows[1], name)[b]
        both = np.isfinite(x) & np.isfinite(y)
        pairs.append((quantity, x[both], y[both]))
    return pairs


def _against(axes: Axes, x: Floats, y: Floats) -> None:
    """A scatter about the line of equality, both axes alike."""
    ends = _limits(np.concatenate([x, y]))
    axes.plot(ends, ends, zorder=3, **style.NOMINAL)
    _points(axes, x, y)
    axes.set(xlim=ends, ylim=ends)


def _bland_altman(axes: Axes, x: Floats, y: Floats) -> None:
    """Difference against mean, with its own mean and limits of agreement."""
    difference, mean = y - x, (x + y) / 2
    axes.axhline(0.0, zorder=3, **style.NOMINAL)
    _points(axes, mean, difference)
    levels = [float(difference.mean())]
    if difference.size > 1:
        half = Z95 * float(difference.std(ddof=1))
        levels = [levels[0] - half, levels[0], levels[0] + half]
        for level, dash in zip(levels, ((0, (3, 2)), "-", (0, (3, 2))), strict=True):
            axes.axhline(level, color=style.COLORS[1], linewidth=0.9, linestyle=dash, zorder=4)
    axes.set(xlim=_limits(mean), ylim=_limits(np.concatenate([difference, levels, [0.0]])))


def _points(axes: Axes, x: Floats, y: Floats) -> None:
    step = -(-x.size // _MOST_POINTS)
    crowd = min(1.0, 300 / max(x.size // step, 1))
    axes.plot(
        x[::step], y[::step], linestyle="", marker="o", markersize=3 if crowd == 1 else 2,
        markeredgewidth=0, color=style.INK, alpha=max(0.15, 0.8 * crowd), zorder=2, rasterized=True,
    )  # fmt: skip


def _limits(values: Floats) -> tuple[float, float]:
    """Limits with some room about them; the farthest thousandth is left out."""
    low, high = np.quantile(values, [0.0005, 0.9995] if values.size > 2000 else [0.0, 1.0])
    edge = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    return float(low - edge), float(high + edge)


def _label(axes: Axes, x_label: str, y_label: str) -> None:
    style.clean(axes, None)
    axes.set_xlabel(x_label, fontsize=style.TICK, color=style.INK, labelpad=3)
    axes.set_ylabel(y_label, fontsize=style.TICK, color=style.INK, labelpad=3)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_label_coords(-0.22, 0.5)
