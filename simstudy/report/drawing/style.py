"""The house style of every figure.

Nothing here touches matplotlib's global state: every artist is told how it looks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe & Ito (2008): told apart by readers with any kind of color vision
COLORS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GRAY, INK, PALE = "#8a8a8a", "#222222", "#ececec"
BAND, INNER_BAND = "#f3f3f3", "#e3e3e3"
NOMINAL: dict[str, Any] = {"color": "#6f6f6f", "linewidth": 0.9, "linestyle": (0, (4, 2))}
JOINED: dict[str, Any] = {"linewidth": 0.8, "linestyle": "-", "alpha": 0.55}
TARGET: dict[str, Any] = {"color": "#222222", "linewidth": 0.8, "linestyle": (0, (8, 3))}
EXACT: dict[str, Any] = {"linewidth": 1.3, "linestyle": (0, (6, 1.5, 1, 1.5))}
ASYMPTOTIC: dict[str, Any] = {"linewidth": 1.2, "linestyle": (0, (1, 1.4))}
TITLE, LABEL, TICK, NOTE = 10.5, 9.0, 8.0, 7.5  # points


def series(m: int) -> dict[str, Any]:
    """Colour, marker and line of method number m, the same in every figure and legend."""
    again = m // len(COLORS)
    color = COLORS[m % len(COLORS)]
    return {
        "color": color,
        "marker": MARKERS[(m + 3 * again) % len(MARKERS)],
        "markerfacecolor": "white" if again % 2 else color,
        "markeredgewidth": 0.9,
        "linestyle": "--" if again % 2 else "-",
    }


def clean(axes: Axes, grid: str | None = "y") -> None:
    """Two thin spines, small ticks, a pale grid behind the data."""
    axes.tick_params(labelsize=TICK, colors=INK, length=2.5, width=0.6)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(GRAY)
        axes.spines[side].set_linewidth(0.6)
    if grid is not None:
        axes.grid(axis=grid, color=PALE, linewidth=0.6)  # type: ignore[arg-type]
    axes.set_axisbelow(True)


def write(axes: Axes, x: float, y: float, text: str, **look: Any) -> None:
    """Write at a place of the panel, 0 to 1 from its left and lower edge."""
    usual: dict[str, Any] = {"transform": axes.transAxes, "fontsize": TICK, "color": INK}
    axes.text(x, y, text, **usual | look)


def nothing(axes: Axes, text: str) -> None:
    """Say in an empty panel why it is empty."""
    box = {"facecolor": "white", "edgecolor": "none", "pad": 2}
    write(axes, 0.5, 0.5, text, color=GRAY, ha="center", va="center", zorder=5, bbox=box)
