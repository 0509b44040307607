"""``replications: {mcse: {MEASURE: V}, min: N, max: N}`` of a study file: stop by precision.

A scenario has the first of min, 2 min, 4 min, ... replications (at most max) at which the
Monte Carlo SE of every measure named is at its target, by every method and at every alpha that
has it. What it is at, its rows say: see `summary.stopping`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from simstudy.forms import Fields, Number, shown
from simstudy.measures.catalog import MEASURES
from simstudy.measures.names import of_name
from simstudy.measures.targets import (
    MEANT,
    MOST_OF_RATE,
    TARGETS,
    Target,
    always_reached,
    is_rate,
)
from simstudy.registry import Method
from simstudy.study.expected_rows import may_have
from simstudy.study.fields import TOP_NUMBERS
from simstudy.study.grid import Design
from simstudy.study.place import Place

_NUMBER = TOP_NUMBERS["replications"]
_MCSE = Number("a Monte Carlo SE", 0, low_open=True)


@dataclass(frozen=True, slots=True)
class _Goal:
    """The Monte Carlo SE that a measure is to have."""

    measure: str
    summary: str = "its Monte Carlo SE, in the units of the summary"

    def read(self, place: Any) -> float:
        """Return the number, or refuse it in its place."""
        number = float(_MCSE.read(place))
        if why := always_reached(self.measure, number):
            place.refuse(f"{shown(place.value)}: {why}")
        return number

    def schema(self) -> dict[str, Any]:
        """JSON Schema of the number."""
        most = {"exclusiveMaximum": MOST_OF_RATE} if is_rate(self.measure) else {}
        return _MCSE.schema() | most


FORM = Fields(
    "a whole number, or {mcse: {rejection_rate: 0.005}, min: 1000, max: 1000000}",
    {
        "mcse": Fields(
            "measures and the Monte Carlo SE of each, such as {rejection_rate: 0.005}",
            {name: _Goal(name) for name in TARGETS},
            MEANT,
            TARGETS,
        ),
        "min": Number("replications of every scenario at least", 1, _NUMBER.high, integer=True),
        "max": Number("replications of a scenario at most", 1, _NUMBER.high, integer=True),
    },
    {"minimum": "min", "least": "min", "start": "min", "maximum": "max", "most": "max",
     "cap": "max", "target": "mcse", "targets": "mcse", "monte_carlo_se": "mcse"},
)  # fmt: skip


class Stop(NamedTuple):
    """How many replications a scenario has.

    Attributes
    ----------
    n_reps : int
    by : str
        What made it stop there; empty where it is not known yet whether it stops.
    """

    n_reps: int
    by: str


@dataclass(frozen=True, slots=True)
class Precision:
    """When a scenario stops.

    Attributes
    ----------
    targets : tuple of Target
        All of which must be reached.
    least, most : int
        Replications of a scenario.
    """

    targets: tuple[Target, ...]
    least: int
    most: int

    def after(self, n_reps: int) -> int:
        """The number of replications at which it is looked again."""
        return min(2 * n_reps, self.most)

    def reaching(self, n_reps: float) -> int:
        """The first number of replications looked at that is at least so many, or the last."""
        number = self.least
        while number < min(n_reps, self.most):
            number = self.after(number)
        return number

    @property
    def written(self) -> dict[str, Any]:
        """As in a study file."""
        goals = {asked.name: mcse for asked, mcse in self.targets}
        return {"mcse": goals, "min": self.least, "max": self.most}


def bound(name: str, label: str, alpha: float) -> str:
    """What is to be at a target, in words: a measure of a method, at an alpha or at none."""
    return f"{name} of {label}" + ("" if math.isnan(alpha) else f" at alpha {alpha:g}")


def replications_of(place: Place) -> tuple[int, Precision | None]:
    """Replications of a scenario, at most where it stops by precision."""
    if not isinstance(place.value, dict):
        return int(_NUMBER.read(place)), None
    read = FORM.read(place)
    if not read["mcse"]:
        place.refuse("names no measure; write such as {rejection_rate: 0.005}", "mcse")
    if read["min"] > read["max"]:
        place.refuse(f"min {read['min']} is more than max {read['max']}", "min")
    targets = tuple(Target(of_name(name), read["mcse"][name]) for name in place["mcse"].value)
    return read["max"], Precision(targets, read["min"], read["max"])


def refuse_what_nobody_has(
    place: Place,
    precision: Precision | None,
    asked: Iterable[tuple[Design, Method]],
    reference: str | None,
) -> None:
    """Refuse a target of a measure that no method has in any scenario."""
    if precision is None:
        return
    pairs = list(asked)
    for one, _ in precision.targets:
        if "pairs" in MEASURES[one.measure].needs and reference is None:
            place.refuse("needs a reference method, and the study has none", "mcse", one.name)
        if not any(may_have(one, design, method) for design, method in pairs):
            place.refuse("no method has it in any scenario", "mcse", one.name)
