"""One method's estimates and SEs against another's.

Below each scatter its difference against its mean, with the mean difference and the 95 %
limits of agreement (Bland & Altman 1986, Lancet 327:307-310).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from simstudy.errors import UserError, nearest
from simstudy.moments import Floats
from simstudy.report.figures import style
from simstudy.report.figures.letters import literal
from simstudy.report.figures.page import Layout, page, told_apart
from simstudy.report.figures.used import Targets, Used, targets, used

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds
    from matplotlib.axes import Axes

_MOST_POINTS = 4000
_Z = 1.959963984540054


class _Pair(NamedTuple):
    """A quantity by both methods, in the replications that both have."""

    quantity: str
    reference: Floats
    other: Floats


@literal
def agreement(
    estimates: pa.Table | ds.Dataset, title: str = "", alpha: float = 0.05, *,
    true: float | Targets = 0.0, labels: Mapping[str, str] | None = None, what: str = "",
    reference: str | None = None, method: str | None = None,
) -> Figure:  # fmt: skip
    """Estimate and SE of a method against a reference, replication by replication.

    Parameters: as `zip_plot`, and

    reference, method : str, optional
        Labels. Default: the first method that has standard errors, and the last one that
        estimates the same.
    """
    rows = used(estimates, labels)
    for name in (reference, method):
        if name is not None and name not in rows:
            raise UserError(f"no method '{name}'{nearest(name, rows)}")
    first, second = _two(rows, reference, method, targets(true, rows))
    pairs = _pairs(rows.get(first), rows.get(second))
    n = pairs[0].reference.size
    notes = [what] if what else []
    every = max((mine.n_all for mine in rows.values()), default=0)
    notes += [f"{n} {f'of {every} ' if n < every else ''}replications that both methods have" + (
        f", {_MOST_POINTS} of them drawn" if n > _MOST_POINTS else "")]  # fmt: skip
    if n > 1:
        notes += ["Lines: equality (dashed); mean difference and 95 % limits of agreement (blue)"]
    names = f"{second} against {first}" if second else first
    layout = Layout(
        title or names, "", "", (), notes, panel=(2.5, 2.2),
        wspace=0.95, hspace=0.62, left=0.85, shared=False, headings=0, below=0.22,
    )  # fmt: skip
    figure, axes = page(2, 2, layout)
    for k, pair in enumerate(pairs):
        _against(axes[0][k], pair, (first, second))
        _bland_altman(axes[1][k], pair)
    return figure


def _two(
    rows: Mapping[str, Used], reference: str | None, method: str | None, aims: Targets
) -> tuple[str, str]:
    """Labels of the two methods; empty where there is none."""
    fitted = [name for name, mine in rows.items() if mine.estimate.size]
    there = [name for name in fitted if rows[name].with_se.any()] or fitted or list(rows)
    first = reference or next((name for name in there if name != method), "")
    alike = [name for name in there if name != first and aims[name].words == aims[first].words]
    second = method or next(reversed(alike), "")
    return first, second


def _pairs(first: Used | None, second: Used | None) -> list[_Pair]:
    if first is None or second is None:
        return [_Pair(q, np.empty(0), np.empty(0)) for q in ("estimate", "SE")]
    _, a, b = np.intersect1d(
        first.replication, second.replication, assume_unique=True, return_indices=True
    )
    found = []
    for quantity, name in (("estimate", "estimate"), ("SE", "std_error")):
        x, y = getattr(first, name)[a], getattr(second, name)[b]
        both = np.isfinite(x) & np.isfinite(y)
        found.append(_Pair(quantity, x[both], y[both]))
    return found


def _against(axes: Axes, pair: _Pair, names: tuple[str, str]) -> None:
    """A scatter about the line of equality, both axes alike."""
    _axes(axes, pair.quantity, names)
    if not pair.reference.size:
        _empty(axes, both=bool(names[1]))
        return
    low, high = _room(np.concatenate([pair.reference, pair.other]))
    axes.plot([low, high], [low, high], zorder=3, **style.NOMINAL)
    _points(axes, pair.reference, pair.other)
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)


def _bland_altman(axes: Axes, pair: _Pair) -> None:
    """Difference against mean, with its own mean and limits of agreement."""
    _axes(axes, f"mean {pair.quantity}", ("", f"difference in {pair.quantity}"))
    if not pair.reference.size:
        _empty(axes, both=True)
        return
    difference, mean = pair.other - pair.reference, (pair.other + pair.reference) / 2
    axes.axhline(0.0, zorder=3, **style.NOMINAL)
    _points(axes, mean, difference)
    centre = float(difference.mean())
    reach = [centre]
    if difference.size > 1:
        half = _Z * float(difference.std(ddof=1))
        reach = [centre - half, centre, centre + half]
        for y, dash in zip(reach, ((0, (3, 2)), "-", (0, (3, 2))), strict=True):
            axes.axhline(y, color=style.COLOURS[1], linewidth=0.9, linestyle=dash, zorder=4)
    axes.set_xlim(*_room(mean))
    axes.set_ylim(*_room(np.concatenate([difference, reach, [0.0]])))


def _points(axes: Axes, x: Floats, y: Floats) -> None:
    every = -(-x.size // _MOST_POINTS)
    crowd = min(1.0, 300 / max(x.size // every, 1))
    axes.plot(x[::every], y[::every], linestyle="", marker="o", markersize=3 if crowd == 1 else 2,
              markeredgewidth=0, color=style.INK, alpha=max(0.15, 0.8 * crowd), zorder=2,
              rasterized=True)  # fmt: skip


def _room(values: Floats) -> tuple[float, float]:
    """Limits with some room about them; the farthest thousandth is left out."""
    low, high = np.quantile(values, [0.0005, 0.9995]) if values.size > 2000 else (
        values.min(), values.max())  # fmt: skip
    edge = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    return float(low - edge), float(high + edge)


def _axes(axes: Axes, quantity: str, names: tuple[str, str]) -> None:
    style.clean(axes, None)
    first, second = told_apart(names, lambda name: name if len(name) <= 26 else name[:25] + "…")
    labels = (quantity, second)
    if first:
        labels = (f"{quantity}, {first}", f"{quantity}, {second}" if second else quantity)
    axes.set_xlabel(labels[0], fontsize=style.TICK, color=style.INK, labelpad=3)
    axes.set_ylabel(labels[1], fontsize=style.TICK, color=style.INK, labelpad=3)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_label_coords(-0.22, 0.5)


def _empty(axes: Axes, *, both: bool) -> None:
    style.nothing(axes, "no replication that both have" if both else "there is no other method")
    axes.set_xticks([])
    axes.set_yticks([])
