"""What a study file says of the parts of a design."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NoReturn

from simstudy.errors import UserError
from simstudy.forms import Place as Written
from simstudy.forms import T, flow, shown
from simstudy.generators.part import NONE, Part, registered
from simstudy.generators.parts.informative_slope import slopes_impossible
from simstudy.generators.scenario import Scenario
from simstudy.study.place import Place
from simstudy.study.yaml_lines import Document


@dataclass(frozen=True, slots=True)
class _Gathered:
    """A mapping whose values stand where one combination of factors has them."""

    at: Place
    places: Mapping[str, Place]

    @property
    def value(self) -> dict[str, Any]:
        return {key: place.value for key, place in self.places.items()}

    def __getitem__(self, key: str | int) -> Place:
        return self.places[str(key)]

    def items(self) -> list[Place]:
        return list(self.places.values())

    def refuse(self, message: str, *inner: str | int) -> NoReturn:
        self.at.refuse(message, *inner)

    def expect(self, kind: type, what: str) -> Any:
        return self.value

    def allow(self, known: Any, words: Mapping[str, str], what: str = "key") -> None:
        self.at.allow(known, words, what)

    def of_file(self, file: str, make: Callable[..., T], *rest: str) -> T:
        return self.at.of_file(file, make, *rest)


def leaves(name: str, place: Place) -> list[tuple[str, Place]]:
    """What stands in the mapping of a part, each a factor."""
    part = registered()[name]
    if place.value == NONE:
        return []
    _refuse_plain(part, place)
    if not place.value:
        place.refuse("is empty")
    return [(f"{name}.{key}", place[key]) for key in place.value]


def with_parts(at: Place, given: Mapping[str, Place], settled: Scenario) -> Scenario:
    """A scenario with what is said of its parts, or refuse what has no meaning in it."""
    if not _named(tuple(given)):
        return settled
    places = {name: place for name, part in registered().items()
              if (place := _place_of(at, given, part)) is not None}  # fmt: skip
    values = {name: value_of(registered()[name], place) for name, place in places.items()}
    kept = {name: value for name, value in values.items() if value != registered()[name].default}
    own = settled.generator is not None  # which is handed them, whatever it makes of them
    whole = replace(settled, parts=tuple(sorted(kept.items())))
    for name in kept:
        if not own and (reason := registered()[name].refuse(whole)):
            places[name].refuse(reason)
    if not own and whole.slope_sd and whole.parts and (reason := slopes_impossible(whole)):
        where = given.get("slope_correlation") or given.get("informative_slope") or at
        where.refuse(reason)
    return whole


@lru_cache(maxsize=16)  # all scenarios of a grid have the same fields
def _named(given: tuple[str, ...]) -> bool:
    """Whether some field is of a part."""
    return any(key.partition(".")[0] in registered() for key in given)


def _place_of(at: Place, given: Mapping[str, Place], part: Part) -> Written | None:
    """Where the value of a part stands."""
    if not part.factors:
        return given.get(part.name)
    prefix = f"{part.name}."
    inner = {key.removeprefix(prefix): place for key, place in given.items()
             if key.startswith(prefix)}  # fmt: skip
    return _Gathered(at[part.name], inner) if inner else None


def value_of(part: Part, place: Written) -> Any:
    """The value of a part that stands at a place."""
    if part.default is None and place.value == NONE:
        return None
    if part.default is None:
        _refuse_plain(part, place)
    try:
        value = part.make(part.form.read(place))
    except UserError:
        _refuse_levels_inside(part, place)
        raise
    return value + 0.0 if isinstance(value, float) else value


def _refuse_plain(part: Part, place: Written) -> None:
    """Refuse what is no mapping, and say how that is written."""
    if not isinstance(place.value, dict):
        instead = part.instead(place.value)
        hint = f"; write {instead}" if instead else ""
        place.refuse(f"expected {NONE} or {part.form.summary}, got {shown(place.value)}{hint}")


def _refuse_levels_inside(part: Part, place: Written) -> None:
    """Refuse a list in a mapping of which whole mappings are the levels."""
    lists = place.value.items() if isinstance(place.value, dict) else ()
    for key, inner in lists:
        if isinstance(inner, list):
            levels = [{**place.value, key: one} for one in inner]
            if levels and all(_reads(part, level) for level in levels):
                place.refuse(f"expected one value, got a list; write {flow(levels)}", key)


def _reads(part: Part, value: Any) -> bool:
    try:
        part.form.read(Place(Document(value), (), value))
    except UserError:
        return False
    return True
