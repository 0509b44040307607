"""How parts of a design are written, read, and shown as levels of a factor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from simstudy.forms import Number, Place
from simstudy.generators import shapes
from simstudy.generators.part import NONE
from simstudy.generators.scenario import Scenario
from simstudy.generators.shapes import Shape

CORRELATION = Number("a correlation", -1, 1)


@dataclass(frozen=True, slots=True)
class ShapeForm:
    """A shape, as `shapes` writes it."""

    summary: str

    def read(self, place: Place) -> Shape:
        """The shape that stands there."""
        return shapes.read(place)

    def schema(self) -> dict[str, Any]:
        """JSON Schema of a shape."""
        return shapes.schema()


def text_of_pair(value: tuple[str, float] | None) -> str:
    """``arms 4``."""
    return NONE if value is None else f"{value[0]} {value[1]:g}"


def canonical_pair(value: tuple[str, float]) -> dict[str, Any]:
    """``{"arms": 4.0}``; JSON knows no infinity."""
    key, number = value
    return {key: float(number) + 0.0 if math.isfinite(number) else "inf"}


def is_of_arms(value: tuple[str, float]) -> bool:
    """Whether a pair says by what two arms differ."""
    return value[0] == "arms"


def without_arms(scenario: Scenario) -> str | None:
    """Why there are no two arms."""
    if scenario.two_arms:
        return None
    return f"arms are those of a binary x, and x is {scenario.x}"


def of_arms(scenario: Scenario) -> str:
    """The coarsest grain at which two arms can differ.

    Within clusters, each arm of a cluster is drawn for itself; covariates are known to units.
    """
    within = scenario.x_icc != 1.0
    return "rows" if within and scenario.covariates else "clusters"
