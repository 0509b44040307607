"""The answers of a search, as rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from simstudy.answers.solve.aim import Point, tidy
from simstudy.answers.solve.rounds import Sought, at, spent


@dataclass(frozen=True, slots=True)
class Answer:
    """The root of a method in a scenario.

    Attributes
    ----------
    scenario : dict
        Levels of the other fields.
    method : str
        Its label.
    root, ci_low, ci_high : float or int or None
        From where (or up to where) the target holds, and the 95 % interval of that.
    value, mcse : float or None
        The measure at the root.
    replications : int
        Of the method, over all levels that were tried.
    reason : str or None
        Why there is no root, or what is to be said of it.
    """

    scenario: dict[str, Any]
    method: str
    root: float | None
    ci_low: float | None
    ci_high: float | None
    value: float | None
    mcse: float | None
    replications: int
    reason: str | None

    @property
    def json(self) -> dict[str, Any]:
        """As in ``--json``."""
        return asdict(self)


def answers(sought: list[Sought], labels: list[str]) -> list[Answer]:
    """An answer a scenario and method, in the order of the study."""
    return [_answer(one, label) for one in sought for label in labels if label in one.roots]


def _answer(one: Sought, label: str) -> Answer:
    root = one.roots[label]
    here = at(one, label, root.level)
    level, low, high = (_number(one, x) for x in (root.level, root.low, root.high))
    n_reps = spent(one) if label in one.found else 0
    value, mcse = (None if math.isnan(x) else x for x in (here.value, here.mcse))
    return Answer(levels_of(one), label, level, low, high, value, mcse, n_reps, root.reason or None)


def _number(one: Sought, level: float) -> float | int | None:
    if math.isnan(level):
        return None
    return int(level) if one.aim.axis.unit else level


def levels_of(one: Sought) -> dict[str, Any]:
    """What is said of the other fields."""
    assert one.example is not None
    levels = one.example.levels.items()
    return {name: level for name, level in levels if name != one.aim.axis.name}


def varying(scenarios: Sequence[dict[str, Any]]) -> tuple[list[str], dict[str, Any]]:
    """Fields in which scenarios differ, and what they have in common."""
    names = list(dict.fromkeys(name for one in scenarios for name in one))
    differing = [name for name in names if len({str(one.get(name)) for one in scenarios}) > 1]
    return differing, {name: x for name, x in scenarios[0].items() if name not in differing}


def neighbors(one: Sought, label: str) -> list[tuple[float, Point]]:
    """The levels beside a root that were tried, and the root, in their order."""
    root = one.roots[label].level
    if math.isnan(root):
        return []
    unit = one.aim.unit(root)
    levels = [tidy(root + k * unit) for k in (-1, 0, 1)]
    return [(level, at(one, label, level)) for level in levels]
