"""The field that is solved for: where it stands in a study file, and what it may be."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from simstudy.answers.solve.aim import Axis
from simstudy.errors import UserError, nearest
from simstudy.forms import Fields, Number
from simstudy.generators.part import registered
from simstudy.generators.size_families import SIZE
from simstudy.study import covariate_fields, covariates, fields, generators, vocabulary
from simstudy.study.grid import leaves
from simstudy.study.place import Place
from simstudy.study.yaml_lines import Document, Path_

MOST = 10_000  # of a whole field, unless a range says more
_MOST = 1_000.0  # of another one without an end
_INSIDE = 1e-3  # of a range, how far from an end that is not in it
_LEAST = 1e-6  # of a field that is sought by its ratios


def number_of(name: str) -> Number | None:
    """What numbers a field may be; None where it is no field that is a number."""
    outer, _, inner = name.partition(".")
    if name == "n_clusters":
        return fields.N_CLUSTERS
    if name == "cluster_size":
        return SIZE
    if name in fields.SCENARIO_NUMBERS:
        return fields.SCENARIO_NUMBERS[name]
    form: Any = None
    if outer in registered():
        form = registered()[outer].form
        if inner:
            form = form.forms.get(inner) if isinstance(form, Fields) else None
    elif outer == generators.FIELD and inner:
        return Number("an option of your generator")
    elif inner in covariate_fields.NUMBERS:
        return covariate_fields.NUMBERS[inner]
    elif inner.startswith("correlation."):
        return covariate_fields.CORRELATION
    return form if isinstance(form, Number) else None


def axis_of(name: str, given: str | None, file: str | None) -> Axis:
    """A field as an axis, over the range A:B that is given or its own."""
    number = number_of(name)
    if number is None:
        known = [one for one in fields.SCENARIO_FIELDS if number_of(one)]
        plain = name.partition(".")[0] in fields.SCENARIO_FIELDS
        hint = "" if plain else vocabulary.hint(name, known, vocabulary.SCENARIO)
        what = "is no field that is a number" if plain else "is no field of a scenario"
        raise UserError(f"--for {name}: {what}{hint}", file=file)
    low, high = _usual(name, number) if given is None else _range(name, number, given)
    log = low >= 0 and number.high > 1
    if log and not number.integer:
        low = max(low, _LEAST if given is None else low)
        log = low > 0
    return Axis(name, low, high, 1.0 if number.integer else 0.0, log, number.high <= 1)


def _usual(name: str, number: Number) -> tuple[float, float]:
    if math.isinf(number.low) and math.isinf(number.high):
        raise UserError(f"--for {name}: say where it is sought, --range A:B")
    high = min(number.high, MOST if number.integer else _MOST if number.high > 1 else 1.0)
    low = 0.0 if number.low < -1 else number.low
    inside = _INSIDE * (high - low)
    return (low + inside if number.low_open and number.high <= 1 else low,
            high - inside if number.high_open else high)  # fmt: skip


def _range(name: str, number: Number, given: str) -> tuple[float, float]:
    """Both ends of A:B, or refuse what is none or not in the field's domain."""
    ends = [_end(text) for text in given.split(":")]
    if len(ends) != 2 or math.nan in ends or any(end != end for end in ends):
        raise UserError(f"--range {given}: expected two numbers, such as 10:200")
    low, high = ends
    if low >= high:
        raise UserError(f"--range {given}: {low:g} is not below {high:g}")
    place = Place(Document(None), (), None)
    for end in ends:
        try:
            number.read(Place(place.document, (), int(end) if number.integer and end == int(end)
                              else end))  # fmt: skip
        except UserError as error:
            raise UserError(f"--range {given}: {name}: {error}") from None
    return low, high


def _end(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


@dataclass(frozen=True, slots=True)
class Family:
    """Scenarios of a study that differ in the field alone.

    Attributes
    ----------
    grid : dict
        As in a study file; every other field has one level.
    path : tuple of str
        Where in it the field stands.
    """

    grid: dict[str, Any]
    path: tuple[str, ...]

    def at(self, levels: Iterable[float | int]) -> dict[str, Any]:
        """The grid with these levels of the field."""
        grid = copy.deepcopy(self.grid)
        _put(grid, self.path, list(levels))
        return grid


def families(document: Document, name: str) -> list[Family]:
    """The scenarios of a study file by what they have in common besides the field."""
    top = Place(document, (), document.data)["scenarios"]
    blocks = [top] if isinstance(top.value, dict) else top.items()
    found: list[Family] = []
    for block in blocks:
        path = _path(block, name)
        choices = {place.path[len(block.path) :]: place for field, place in leaves(block)
                   if field != name}  # fmt: skip
        for levels in itertools.product(*(place.levels() for place in choices.values())):
            grid: dict[str, Any] = {}
            for inner, level in zip(choices, levels, strict=True):
                value = copy.deepcopy(level.value)
                _put(grid, inner, [value] if isinstance(value, list) else value)
            family = Family(grid, path)
            if family not in found:
                found.append(family)
    return found


def _path(block: Place, name: str) -> tuple[str, ...]:
    """Where a field stands in a grid, or would."""
    for field, place in leaves(block):
        if field == name:
            return tuple(map(str, place.path[len(block.path) :]))
    outer, _, inner = name.partition(".")
    if not inner:
        return (name,)
    holder = outer if outer in (*fields.FACTORED, generators.FIELD) else covariates.FIELD
    value = block.value.get(holder)
    if holder == covariates.FIELD and isinstance(value, Mapping):
        if outer not in value:
            block.refuse(f"--for {name}: no covariate is called {outer}{nearest(outer, value)}")
        return (holder, *name.split("."))
    if not isinstance(value, Mapping):
        block.refuse(f"--for {name}: there is no {outer}")
    return (holder, inner)


def _put(grid: dict[Any, Any], path: Path_, value: Any) -> None:
    """Put a value into nested mappings."""
    for key in path[:-1]:
        grid = grid.setdefault(key, {})
    if isinstance(value, dict) and isinstance(grid.get(path[-1]), dict):
        grid[path[-1]] |= value
    else:
        grid[path[-1]] = value


def tried_in_place(document: Document, name: str, levels: Iterable[float]) -> Document:
    """The study file with other levels of the field, its lines as they are: to refuse in place."""
    data = copy.deepcopy(document.data)
    changed = Document(data, document.lines, document.file)
    top = Place(changed, (), data)["scenarios"]
    for block in [top] if isinstance(top.value, dict) else top.items():
        _put(block.value, _path(block, name), list(levels))
    return changed


def as_level(axis: Axis, level: float) -> float | int:
    """A level as a study file writes it."""
    return int(level) if axis.unit else level
