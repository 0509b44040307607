"""The axis of a measure: scale, ticks, nominal line and bands."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from simstudy.measures import bradley
from simstudy.measures.catalog import record_of
from simstudy.measures.names import REJECTION
from simstudy.moments import Floats
from simstudy.report.drawing import style
from simstudy.report.pivot import number
from simstudy.report.words import PLAIN, Words

_MINUS = "\N{MINUS SIGN}"
Which = Literal["x", "y"]


@dataclass(frozen=True, slots=True)
class Scale:
    """How a measure is drawn.

    Attributes
    ----------
    label : str
        Of the axis.
    nominal : float or None
        Where the measure should be, with `nominal_text` in the legend.
    bands : sequence of (low, high, color, text)
    log : bool
    floor : float
        What is below is drawn on the edge.
    least : (float, float)
        The axis covers this at least.
    end : float
        The measure cannot be above.
    ticks : sequence of sequences of float
        From coarse to fine; the first that suffices is taken.
    text : callable
        Writes a tick.
    of : callable
        From the measure to the axis.
    """

    label: str
    nominal: float | None
    nominal_text: str
    bands: Sequence[tuple[float, float, str, str]]
    log: bool
    floor: float
    least: tuple[float, float]
    end: float
    ticks: Sequence[Sequence[float]]
    text: Callable[[float], str]
    of: Callable[[Floats], Floats]


_DECADES = (0.0001, 0.001, 0.01, 0.1)
_RATES = (
    (0.001, 0.01, 0.1, 1.0),
    (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8),
    tuple(d * k for d in _DECADES for k in (1, 2, 3, 4, 5, 6, 8)),
    tuple(d * k / 10 for d in _DECADES for k in range(10, 100, 5)),
)
_PERCENT = (
    (-90, -75, -50, 0, 100, 300, 900),
    (-90, -75, -60, -40, -20, 0, 25, 50, 100, 200, 400, 900),
    (-50, -40, -30, -20, -10, 0, 10, 20, 30, 50),
    (-20, -15, -10, -5, 0, 5, 10, 15, 20),
)


def error_rate(alpha: float, *, null: bool = True, words: Words = PLAIN) -> Scale:
    """Rejection rate on a logarithmic axis, with Bradley's (1978) bands about the level."""
    (low, high), (inner_low, inner_high) = bradley.BAND, bradley.INNER_BAND
    bands = (
        (low * alpha, high * alpha, style.BAND, "Bradley ±50 %"),
        (inner_low * alpha, inner_high * alpha, style.INNER_BAND, "±10 %"),
    )
    return Scale(
        f"{words.measure(REJECTION, null or None)} (log scale)", alpha,
        f"nominal {rate_text(alpha)}", bands, True, 0.05 * alpha, (alpha / 2.2, alpha * 1.7),
        1.02, _RATES, rate_text, np.asarray,
    )  # fmt: skip


def se_bias(words: Words = PLAIN) -> Scale:
    """Relative error of the model SE: half and double are equally far from right."""
    ticks = [[1 + p / 100 for p in percents] for percents in _PERCENT]
    label = f"{words.measure('relative_error_model_se')} (log ratio scale)"
    return Scale(
        label, 1.0, "unbiased", (), True, 0.05, (0.93, 1.07), math.inf, ticks,
        percent_text, lambda percent: 1.0 + np.asarray(percent) / 100.0,
    )  # fmt: skip


def power(words: Words = PLAIN) -> Scale:
    """Rejection rate of a false null, from 0 to 1."""
    ticks = [[0, 0.2, 0.4, 0.6, 0.8, 1]]
    return Scale(
        words.measure(REJECTION, False), None, "", (), False, 0.0, (0.0, 1.0), 1.02, ticks,
        lambda tick: f"{tick:.1f}".removeprefix("0") if 0 < tick < 1 else f"{tick:g}", np.asarray,
    )  # fmt: skip


def plain(measure: str, level: float, words: Words = PLAIN) -> Scale:
    """Any other measure on an axis to scale, with a line where it should be, if that is known.

    Parameters
    ----------
    level : float
        Alpha, of measures that have one.
    """
    record = record_of(measure)
    covers = measure in ("coverage", "bias_eliminated_coverage")
    centered = "bias" in measure.split("_") or measure.startswith(("difference", "relative"))
    nominal = 1 - level if covers else 0.0 if centered else None
    text = rate_text if record.proportion else lambda value: f"{value:.6g}".replace("-", _MINUS)
    ends = () if nominal is None else (nominal,)
    return Scale(
        words.measure(measure), nominal, f"nominal {text(nominal or 0)}" if covers else "zero", (),
        False, -math.inf, (min(ends, default=math.inf), max(ends, default=-math.inf)),
        1.02 if record.proportion else math.inf, (), text, np.asarray,
    )  # fmt: skip


def rate_text(value: float) -> str:
    """A rate as papers write it: .05, .025."""
    return number(value, max(2, len(f"{value:g}") - 2), leading_zero=False)


def percent_text(ratio: float) -> str:
    """A ratio as a signed percentage."""
    percent = round(100 * (ratio - 1))
    return f"{percent:+d}".replace("-", _MINUS) if percent else "0"


def draw_scale(
    axes: Axes, scale: Scale, values: Floats, which: Which = "y", *, nominal: bool = True
) -> None:
    """Limits for `values` (on the axis) and ticks; nominal line and bands."""
    ends = np.maximum(values[np.isfinite(values)], scale.floor)
    low, high = min([scale.least[0], *ends]), max([scale.least[1], *ends])
    if not math.isfinite(low):  # no number, and none that is right
        low, high = 0.0, 1.0
    if scale.log:
        room = (high / low) ** 0.04
        low, high = low / room, min(high * room, scale.end)
    else:
        room = 0.02 * (high - low) or 0.02
        low, high = low - room, min(high + room, scale.end)
    if nominal:
        draw_nominal(axes, scale, which)
    axes.set(**{f"{which}scale": "log" if scale.log else "linear", f"{which}lim": (low, high)})
    axis: Any = axes.yaxis if which == "y" else axes.xaxis
    set_ticks(axis, chosen_ticks(scale, low, high), scale.text)


def draw_nominal(axes: Axes, scale: Scale, which: Which = "y") -> None:
    """The nominal line and the bands."""
    span, line = (axes.axhspan, axes.axhline) if which == "y" else (axes.axvspan, axes.axvline)
    for start, stop, color, _ in scale.bands:
        span(start, stop, color=color, linewidth=0, zorder=0.3)
    if scale.nominal is not None:
        line(scale.nominal, zorder=1, **style.NOMINAL)


def set_ticks(axis: Any, places: Sequence[float], text: Callable[[float], str]) -> None:
    """Ticks at these places and no other, written by `text`."""
    axis.set_major_locator(FixedLocator(places))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))


def chosen_ticks(scale: Scale, low: float, high: float, most: int = 7) -> list[float]:
    """Ticks between the ends, one of them at the nominal value, none beside it."""

    def place(value: float) -> float:
        return math.log(value) if scale.log else value

    if not scale.ticks:
        ticks = MaxNLocator(min(most, 6)).tick_values(low, high)
        return [float(tick) for tick in ticks if low <= tick <= high]
    span = place(high) - place(low)
    kept: list[float] = []
    for candidates in scale.ticks:
        inside = [t for t in candidates if low <= t <= high]
        kept = [] if scale.nominal is None else [scale.nominal]
        for tick in sorted(inside, key=lambda t: abs(place(t) - place(kept[0] if kept else low))):
            if all(abs(place(tick) - place(other)) >= span / (1.6 * most) for other in kept):
                kept.append(tick)
        if len(kept) >= 4:
            break
    return sorted(kept)


def scale_handles(scale: Scale) -> list[Artist]:
    """The nominal line and the bands in a legend."""
    bands = [Patch(fc=color, ec="none", label=text) for _, _, color, text in scale.bands]
    if scale.nominal is None:
        return [*bands]
    return [Line2D([], [], label=scale.nominal_text, **style.NOMINAL), *bands]
