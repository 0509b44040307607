"""Room 5: figures that go into a paper as they are; all names and what each is drawn from."""

from __future__ import annotations

from simstudy.report.figures.collapse import design_effect
from simstudy.report.figures.loops import nested_loop
from simstudy.report.figures.rates import power, se_bias, type1_error
from simstudy.report.figures.style import encode

FIGURES = {"type1_error": type1_error, "se_bias": se_bias, "power": power,
"design_effect": design_effect, "nested_loop": nested_loop}
__all__ = ["FIGURES", "encode", "power", "se_bias", "type1_error"]
