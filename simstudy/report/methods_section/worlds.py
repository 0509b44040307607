"""What a study says of data that misbehave: the parts of its designs, as these say it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from simstudy.errors import code
from simstudy.generators.part import NONE, Part, registered
from simstudy.generators.scenario import Scenario
from simstudy.study.grid import text_of
from simstudy.study.parts import value_of
from simstudy.study.place import Place
from simstudy.study.yaml_lines import Document

Row = tuple[str, str, list[str]]  # words, symbol and levels of a factor
_HERE = Path()
_OF_Y = ("effects", "slopes", "errors")  # subjects that the equation of y holds, in this order


def world_facts(scenarios: Sequence[Scenario]) -> dict[str, Any]:
    """What the parts do, by subject, and which of the usual sentences are not true with them."""
    subjects = {part.subject for part in parts_of(scenarios)}
    tied = any(scenario.slope_correlation for scenario in scenarios)
    by_units = [scenario for scenario in scenarios if _is_drawn_as_units(scenario)]
    return {
        "accounts_of_y": [text for subject in _OF_Y for text in _accounts(scenarios, subject)],
        "accounts_of_x": _accounts(scenarios, "predictor"),
        "accounts_of_units": _accounts(scenarios, "units"),
        "unusual_y": not subjects.isdisjoint(_OF_Y),
        "unusual_slopes": "slopes" in subjects or (tied and "effects" in subjects),
        "unusual_x": any(map(_has_unusual_x, scenarios)),
        "assigned": {_assigned(s) for s in scenarios if s.x == "binary" and s.x_icc == 1.0},
        "half": not any(part.name == "treated" for part in parts_of(scenarios)),
        "time": any(scenario.x == "time" for scenario in scenarios),
        "n_modeled": len(scenarios),
        "n_by_units": len(by_units),
        "why_by_units": [f"the {part.words}" for part in parts_of(by_units)
                         if any(_is_of_units(part, scenario) for scenario in by_units)],
    }  # fmt: skip


def parts_of(scenarios: Iterable[Scenario]) -> list[Part]:
    """The parts that are not at their default in every scenario, in the order of their names."""
    used = {name for scenario in scenarios for name, _ in scenario.parts}
    return [part for name, part in registered().items() if name in used]


def rows_of(grid: Mapping[str, Any], parts: Iterable[Part], folder: Path = _HERE) -> list[Row]:
    """What a grid says of some parts; files that it names are relative to a folder."""
    rows: list[Row] = []
    for part in parts:
        if grid.get(part.name) in (None, NONE):  # None: no field of a generator's own grid
            continue
        place = Place(Document(grid, file=str(folder / "study.yaml")), (), grid)[part.name]
        if part.factors:
            rows += [(*part.inner[key], levels) for key, levels in _inner(part, place).items()]
        else:
            levels = [part.text(value_of(part, level)) for level in place.levels()]
            rows.append((part.words, part.symbol, [text_of(level) for level in levels]))
    return rows


def _inner(part: Part, place: Place) -> dict[str, list[str]]:
    """Levels of the factors in the mapping of a part, those included that it leaves out."""
    given = {key: [level.value for level in place[key].levels()] for key in place.value}
    first = {key: levels[0] for key, levels in given.items()}
    settled = value_of(part, Place(Document(first), (), first))
    return {key: [text_of(level) for level in given.get(key, [getattr(settled, key)])]
            for key in part.inner}  # fmt: skip


def _accounts(scenarios: Sequence[Scenario], subject: str) -> list[str]:
    """What the parts of a subject do, and at which levels, where these differ."""
    found: list[str] = []
    for part in parts_of(scenarios):
        if part.subject != subject:
            continue
        values = dict.fromkeys(scenario.part(part.name) for scenario in scenarios)
        accounts: dict[str, list[str]] = {}
        for value in values:
            if value != part.default:
                accounts.setdefault(part.account(value), []).append(text_of(part.text(value)))
        alike = len(accounts) == 1 and part.default not in values
        if alike or isinstance(part.default, float):
            found += accounts
        else:
            found += [f"{_where(part, levels)}, {account[0].lower()}{account[1:]}"
                      for account, levels in accounts.items()]  # fmt: skip
    return found


def _where(part: Part, levels: list[str]) -> str:
    if part.factors:  # the levels of its factors stand in the table
        return f"Where there was a {part.words}"
    return f"Where the {part.words} was {code(levels[0])}"


def _is_drawn_as_units(scenario: Scenario) -> bool:
    return bool(scenario.parts) and scenario.first_grain == "rows"


def _is_of_units(part: Part, scenario: Scenario) -> bool:
    return part.name in dict(scenario.parts) and part.exact_at(scenario) == "rows"


def _has_unusual_x(scenario: Scenario) -> bool:
    """Whether the parts of a normal x are of another shape, or not independent of each other."""
    third = scenario.part("third_level")
    grouped = third is not None and third.x_icc > 0
    shaped = scenario.part("x_shape") != registered()["x_shape"].default
    return scenario.x == "normal" and (grouped or shaped)


def _assigned(scenario: Scenario) -> str:
    """What is assigned to a treatment of whole clusters."""
    third = scenario.part("third_level")
    if third is None:
        return "clusters"
    return "groups" if third.x_icc else "clusters of groups"
