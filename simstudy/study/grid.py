"""From `scenarios:` to a list of designs."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

from simstudy.generators.scenario import Scenario
from simstudy.study import fields, vocabulary
from simstudy.study.digest import digest
from simstudy.study.scenarios import scenario, variances
from simstudy.study.yaml_lines import Document, Path_
from simstudy.theory.design_effect import design_effect

_MOST = 1_000_000
# what a condition may ask of a scenario
CONDITIONS = ("scenario", *fields.SCENARIO_FIELDS, "n_obs", "design_effect")


@dataclass(frozen=True, slots=True)
class Design:
    """A scenario of a study.

    Attributes
    ----------
    id : str
        First 8 hexadecimal digits of the scenario's digest.
    key : int
        First 128 bits of it.
    levels : dict
        Field -> value as written, for tables: numbers, or text for what is not a number.
    """

    id: str
    key: int
    scenario: Scenario
    levels: dict[str, float | int | str]

    @property
    def n_obs(self) -> float:
        """(Expected) number of units."""
        return self.scenario.mean_n_obs

    @property
    def design_effect(self) -> float:
        """Kish's 1 + (sum n_j^2 / N - 1) icc x_icc, with the realised ICC of a given x."""
        return design_effect(self.scenario)

    def level(self, field: str) -> float | int | str | None:
        """One of `CONDITIONS`, as a table shows it; None where the scenario has none."""
        if field == "scenario":
            return self.id
        if field in ("n_obs", "design_effect"):
            return float(getattr(self, field))
        if field in self.levels:
            return self.levels[field]
        return variances(self.scenario).get(field, fields.DEFAULTS.get(field))


def expand(document: Document) -> list[Design]:
    """All scenarios of the study, in the order of the file, each one once."""
    at: Path_ = ("scenarios",)
    grids = document.data["scenarios"]
    if isinstance(grids, dict):
        blocks = [(grids, at)]
    elif isinstance(grids, list):
        blocks = [(grid, (*at, i)) for i, grid in enumerate(grids)]
    else:
        document.refuse(at, f"expected fields or a list of them, got {fields.shown(grids)}")
    if not blocks:
        document.refuse(at, "is empty")
    designs: list[Design] = []
    seen: dict[str, tuple[int, Path_]] = {}
    for block, path in blocks:
        for values, paths in _combinations(document, block, path):
            found = scenario(document, values, paths, path)
            name, key = digest(found)
            if name in seen:
                _refuse_twice(document, path, seen[name], key, values)
            seen[name] = (key, path)
            designs.append(Design(name, key, found, _levels(found, values)))
    return designs


def _refuse_twice(
    document: Document, path: Path_, before: tuple[int, Path_], key: int, values: dict[str, Any]
) -> None:
    what = ", ".join(f"{k} {text_of(v)}" for k, v in values.items())
    if key == before[0]:
        document.refuse(path, f"holds the same scenario twice ({what})")
    document.refuse(path, f"shares its 8-digit id with another scenario by chance; drop ({what})")


def _combinations(document: Document, block: Any, path: Path_) -> Any:
    """Cross every listed field of one grid; yields (values, paths)."""
    if not isinstance(block, dict):
        document.refuse(path, f"expected fields, got {fields.shown(block)}")
    if not block:
        document.refuse(path, "is empty")
    choices = []
    for key, value in block.items():
        here = (*path, key)
        if key not in fields.SCENARIO_FIELDS:
            hint = vocabulary.hint(key, fields.SCENARIO_FIELDS, vocabulary.SCENARIO)
            document.refuse(here, f"unknown field{hint}")
        if isinstance(value, list) and not value:
            document.refuse(here, "is an empty list")
        levels = value if isinstance(value, list) else [value]
        places = [(*here, i) for i in range(len(levels))] if isinstance(value, list) else [here]
        choices.append([(key, v, place) for v, place in zip(levels, places, strict=True)])
        _refuse_equal(document, levels, places)
    if math.prod(len(choice) for choice in choices) > _MOST:
        document.refuse(path, f"more than {_MOST} scenarios")
    for combination in itertools.product(*choices):
        yield {k: v for k, v, _ in combination}, {k: place for k, _, place in combination}


def _refuse_equal(document: Document, levels: list[Any], places: list[Path_]) -> None:
    for i, level in enumerate(levels):
        if any(level == other for other in levels[:i]):
            document.refuse(places[i], f"{fields.shown(level)} is listed twice")


def _levels(found: Scenario, values: dict[str, Any]) -> dict[str, float | int | str]:
    """Field -> what a table shows."""
    levels: dict[str, float | int | str] = {"n_clusters": found.n_clusters}
    for key in fields.SCENARIO_FIELDS:
        if key in values:
            value = values[key]
            if key in fields.SCENARIO_NUMBERS:
                levels[key] = float(value) + 0.0
            elif key != "n_clusters":
                whole = key == "cluster_size" and not isinstance(value, dict)
                levels[key] = int(value) if whole else text_of(value)
    return levels


def text_of(value: Any) -> str:
    """Write a level as a table shows it: ``uniform 5-35``, ``mean 20, cv 0.5``."""
    if isinstance(value, dict):
        if "uniform" in value:
            return "uniform {}-{}".format(*value["uniform"])
        if "sizes" in value:
            return "sizes " + " ".join(str(n) for n in value["sizes"])
        if "file" in value:
            return f"{value['file']}:{value['column']} by {value['cluster']}"
        return ", ".join(f"{k} {v:g}" for k, v in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)
