"""Figures that go into a paper as they are, by name."""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.figure import Figure

from simstudy.report.figures.collapse import design_effect
from simstudy.report.figures.letters import lacking
from simstudy.report.figures.loops import nested_loop
from simstudy.report.figures.pairs import agreement
from simstudy.report.figures.rates import power, se_bias, type1_error
from simstudy.report.figures.sizes import p_values
from simstudy.report.figures.style import encode
from simstudy.report.figures.zips import zip_plot

OF_SUMMARY: dict[str, Callable[..., Figure]] = {
    "type1_error": type1_error,
    "se_bias": se_bias,
    "power": power,
    "design_effect": design_effect,
    "nested_loop": nested_loop,
}  # (summary, title, alpha)
OF_ESTIMATES: dict[str, Callable[..., Figure]] = {
    "zip": zip_plot,
    "p_values": p_values,
    "agreement": agreement,
}  # (estimates of one scenario, title, alpha, true=, labels=, what=)
FIGURES = OF_SUMMARY | OF_ESTIMATES

__all__ = [
    "FIGURES",
    "OF_ESTIMATES",
    "OF_SUMMARY",
    "agreement",
    "design_effect",
    "encode",
    "lacking",
    "nested_loop",
    "p_values",
    "power",
    "se_bias",
    "type1_error",
    "zip_plot",
]
