"""From `scenarios:` to a list of designs."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, TypeVar

from simstudy.errors import UserError
from simstudy.garbage import kept
from simstudy.generators import shapes
from simstudy.generators.part import registered
from simstudy.generators.scenario import Scenario
from simstudy.study import covariates, fields, generators, parts, vocabulary
from simstudy.study.code import Imports
from simstudy.study.digest import digest
from simstudy.study.place import Place, refuse_equal
from simstudy.study.scenarios import scenario, variances
from simstudy.study.yaml_lines import Document
from simstudy.theory.design_effect import design_effect
from simstudy.where import Where, known

L = TypeVar("L")
_MOST = 1_000_000
_FOLDERS = re.compile(r"\S*/(?=\S)")
# what a condition may ask of a scenario
_OWN = tuple(field for field in fields.SCENARIO_FIELDS if field != covariates.FIELD)
_INNER: dict[str, Callable[[Place], Iterable[tuple[str, Place]]]] = {
    covariates.FIELD: covariates.leaves,
    generators.FIELD: generators.leaves,
    **{name: partial(parts.leaves, name) for name in fields.FACTORED},
}
CONDITIONS = ("scenario", *_OWN, "n_obs", "design_effect")


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
        """That of the pooled slope, given all covariates: see `theory.design_effect`."""
        return design_effect(self.scenario)

    def meets(self, where: Where | None) -> bool:
        """Whether a condition holds here, as it does where none is made."""
        return where is None or where.holds({field: self.level(field) for field in where.fields})

    def level(self, field: str) -> float | int | str | None:
        """One of `conditions`, as a table shows it; None where the scenario has none."""
        if field == "scenario":
            return self.id
        if field in ("n_obs", "design_effect"):
            value = float(getattr(self, field))
            return None if math.isnan(value) else value
        if field in self.levels:
            return self.levels[field]
        if field in registered():
            return registered()[field].text(self.scenario.part(field))
        covariate, _, own = field.partition(".")
        for one in self.scenario.covariates:
            if one.name == covariate and own in fields.COVARIATE_DEFAULTS:
                return getattr(one, own)
        return variances(self.scenario).get(field, fields.DEFAULTS.get(field))


def conditions(designs: Iterable[Design]) -> list[str]:
    """What a condition may ask of these scenarios: `CONDITIONS`, and fields of covariates."""
    names = list(CONDITIONS)
    for design in designs:
        names += design.levels
        names += (f"{one.name}.{field}" for one in design.scenario.covariates
                  for field in fields.COVARIATE_DEFAULTS)  # fmt: skip
    return list(dict.fromkeys(names))


def chosen_by(where: Where, designs: Sequence[Design]) -> list[Design]:
    """Scenarios that meet a condition, or `UserError` where there is none or it cannot be asked."""
    levels = {field: [design.level(field) for design in designs if field in where.fields]
              for field in conditions(designs)}  # fmt: skip
    where.check(levels, vocabulary.SCENARIO)
    chosen = [design for design in designs if design.meets(where)]
    if not chosen:
        fields = "; ".join(f"{field} {known(levels[field])}" for field in where.fields)
        raise UserError(f"no such scenario: {where.text} ({fields})")
    return chosen


@kept()
def expand(document: Document, imports: Imports | None = None) -> list[Design]:
    """All scenarios of the study, in the order of the file, each one once."""
    own = generators.Generators(imports or Imports())
    grids = Place(document, (), document.data)["scenarios"]
    if isinstance(grids.value, dict):
        blocks = [grids]
    elif grids.expect(list, "fields or a list of them"):
        blocks = grids.items()
    else:
        grids.refuse("is empty")
    designs: dict[str, Design] = {}
    for block in blocks:
        for given in _combinations(block):
            settled = scenario(block, given, own.settle(given))
            name, key = digest(settled)
            values = {field: place.value for field, place in given.items()}
            if name in designs:
                what = ", ".join(f"{field} {text_of(level)}" for field, level in values.items())
                if designs[name].key == key:
                    block.refuse(f"holds the same scenario twice ({what})")
                block.refuse(
                    f"shares its 8-digit id with another scenario by chance; drop ({what})"
                )
            designs[name] = Design(name, key, settled, _levels(settled, values))
    _refuse_one_text(grids, designs.values())
    return list(designs.values())


def _refuse_one_text(place: Place, designs: Iterable[Design]) -> None:
    """Refuse columns of files that tables would not tell apart."""
    digests: dict[str, str] = {}
    for design in designs:
        for sample in shapes.samples(design.scenario):
            if digests.setdefault(sample.text, sample.digest) != sample.digest:
                place.refuse(f"has two files that tables show as '{sample.text}'; rename one")


def leaves(block: Place) -> Iterator[tuple[str, Place]]:
    """Fields of one grid by their names, and where the value or the list of each stands."""
    if not block.expect(dict, "fields"):
        block.refuse("is empty")
    for key in block.value:
        if key not in fields.SCENARIO_FIELDS:
            hint = covariates.misplaced(key, block.value[key]) or vocabulary.hint(
                key, fields.SCENARIO_FIELDS, vocabulary.SCENARIO
            )
            block.refuse(f"unknown field{hint}", key)
        yield from _INNER[key](block[key]) if key in _INNER else [(key, block[key])]


def n_of_grids(scenarios: Any) -> list[int]:
    """How many scenarios each grid has, of `scenarios:` that were checked."""
    place = Place(Document(scenarios), (), scenarios)
    grids = place.items() if isinstance(scenarios, list) else [place]
    return [math.prod(map(len, _choices(grid).values())) for grid in grids]


def _combinations(block: Place) -> Iterator[dict[str, Place]]:
    """Cross every listed field of one grid."""
    choices = _choices(block)
    if math.prod(map(len, choices.values())) > _MOST:
        block.refuse(f"more than {_MOST} scenarios")
    for combination in itertools.product(*choices.values()):
        yield dict(zip(choices, combination, strict=True))


def _choices(block: Place) -> dict[str, list[Place]]:
    """The levels of every field of one grid."""
    choices: dict[str, list[Place]] = {}
    for field, place in leaves(block):
        choices[field] = place.levels()
        refuse_equal(choices[field])
    return choices


def _levels(settled: Scenario, values: dict[str, Any]) -> dict[str, float | int | str]:
    """Field -> what a table shows."""
    levels: dict[str, float | int | str] = {"n_clusters": settled.n_clusters}
    for key in _in_order(tuple(values)):
        value = values[key]
        number = key in fields.SCENARIO_NUMBERS or "." in key
        if key == generators.FIELD and settled.generator is not None:
            levels[key] = settled.generator.place
        elif key in registered():
            levels[key] = registered()[key].text(settled.part(key))
        elif number and not isinstance(value, dict | str | bool | list):
            levels[key] = float(value) + 0.0
        elif key != "n_clusters":
            whole = key == "cluster_size" and not isinstance(value, dict)
            levels[key] = int(value) if whole else text_of(value)
    return levels


@lru_cache(maxsize=16)  # all scenarios of a grid have the same fields
def _in_order(names: tuple[str, ...]) -> tuple[str, ...]:
    """Fields in the order of the contract, then others in that of the file."""
    return (*(name for name in _OWN if name in names),
            *(name for name in names if name not in _OWN))  # fmt: skip


def anywhere(levels: Mapping[str, Any]) -> dict[str, Any]:
    """Levels in which a file has its name alone: where it lies depends on who looks."""
    return {
        field: _FOLDERS.sub("", level) if isinstance(level, str) else level
        for field, level in levels.items()
    }


def telling(levels: Sequence[dict[str, L]]) -> list[dict[str, L]]:
    """Levels without those of factors that no two scenarios need to be told apart."""
    names = [name for name in levels[0] if len({of[name] for of in levels}) > 1] if levels else []
    apart = len({tuple(of[name] for name in names) for of in levels})
    for name in reversed(names):
        fewer = [other for other in names if other != name]
        if len({tuple(of[other] for other in fewer) for of in levels}) == apart:
            names = fewer
    return [{name: of[name] for name in names} for of in levels]


def text_of(value: Any) -> str:
    """Write a level as a table shows it: ``uniform 5-35``, ``mean 20, cv 0.5``."""
    if isinstance(value, list | tuple):
        return " ".join(map(text_of, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        if "uniform" in value:
            return "uniform {}-{}".format(*value["uniform"])
        if "file" in value:
            by = f" by {value['cluster']}" if "cluster" in value else ""
            return f"{value['file']}:{value['column']}{by}"
        inner = {k: f"{v:g}" if isinstance(v, int | float) else v for k, v in value.items()}
        return ", ".join(f"{key} {text_of(one)}" for key, one in inner.items())
    return f"{value:g}" if isinstance(value, float) else str(value)
