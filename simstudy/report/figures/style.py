"""The house style of every figure, and its bytes.

Nothing here touches matplotlib's global state: every artist is told how it looks.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import matplotlib
from matplotlib.text import Text

from simstudy.errors import visible
from simstudy.report.figures import letters
from simstudy.report.wide import Level, level_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito (2008): told apart by readers with any kind of colour vision
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY, INK, PALE = "#8a8a8a", "#222222", "#ececec"
BAND, INNER_BAND = "#f3f3f3", "#e3e3e3"
NOMINAL: dict[str, Any] = {"color": "#6f6f6f", "linewidth": 0.9, "linestyle": (0, (4, 2))}
EXACT: dict[str, Any] = {"linewidth": 0.8, "linestyle": "-"}
ASYMPTOTIC: dict[str, Any] = {"linewidth": 1.2, "linestyle": (0, (1, 1.4))}
TITLE, LABEL, TICK, NOTE = 10.5, 9.0, 8.0, 7.5  # points
_NAMES = {
    "icc": "ICC of the outcome",
    "x_icc": "ICC of x",
    "cluster_size": "cluster size",
    "n_clusters": "clusters",
    "total_variance": "total variance",
    "within_variance": "variance within clusters",
    "contextual_effect": "contextual effect",
    "design_effect": "design effect",
}


def named(factor: str) -> str:
    """A factor's name as readers know it."""
    return _NAMES.get(factor, factor)


def heading(levels: dict[str, Level], separator: str = ", ") -> str:
    """Levels as a facet's heading: ICC of x = 0.5."""
    parts = (f"{named(f)} = {level_text(v) or 'none'}" for f, v in levels.items())
    return separator.join(parts)


def series(m: int) -> dict[str, Any]:
    """Colour, marker and line of method number m, the same in every figure and legend."""
    again = m // len(COLOURS)
    colour = COLOURS[m % len(COLOURS)]
    return {
        "color": colour,
        "marker": MARKERS[(m + 3 * again) % len(MARKERS)],
        "markerfacecolor": "white" if again % 2 else colour,
        "markeredgewidth": 0.9,
        "linestyle": "--" if again % 2 else "-",
    }


def clean(axes: Axes, grid: str | None = "y") -> None:
    """Two thin spines, small ticks, a pale grid behind the data."""
    axes.tick_params(labelsize=TICK, colors=INK, length=2.5, width=0.6)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(GREY)
        axes.spines[side].set_linewidth(0.6)
    if grid is not None:
        axes.grid(axis=grid, color=PALE, linewidth=0.6)  # type: ignore[arg-type]
    axes.set_axisbelow(True)


def nothing(axes: Axes, text: str) -> None:
    """Say in an empty panel why it is empty."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, fontsize=TICK, color=GREY,
              ha="center", va="center", zorder=5,
              bbox={"facecolor": "white", "edgecolor": "none", "pad": 2})  # fmt: skip


def _show_controls(text: Text) -> None:
    """Control characters as escapes, where a text has any but breaks of lines."""
    lines = text.get_text().split("\n")
    if not all(line.isprintable() for line in lines):
        text.set_text("\n".join(map(visible, lines)))


def encode(figure: Figure, ending: str) -> bytes:
    """A figure as a PNG of 200 dpi, a PDF or an SVG, without a date so that runs compare.

    A PDF holds its text as TrueType, which journals ask for. What matplotlib takes from its
    settings alone is set while the file is written and put back.
    """
    for text in figure.findobj(Text):
        _show_controls(text)
    stream = io.BytesIO()
    metadata = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}.get(ending)
    letters.provide(figure)
    settings = matplotlib.rc_context(
        {"svg.hashsalt": "simstudy", "pdf.fonttype": 42, "text.parse_math": False}
    )
    with settings, letters.unwarned():
        figure.savefig(stream, dpi=200, format=ending, metadata=metadata)
    return stream.getvalue()
