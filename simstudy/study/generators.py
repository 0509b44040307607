"""The field `data` of a scenario: ``{use: "my_world.py:skewed", shape: [1, 5]}``.

What stands beside `use` are the generator's options, fields of their own called ``data.shape``;
a list is a factor like any other, and a list in a list a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from simstudy.custom.declare import account_of, options_of
from simstudy.custom.generator import GENERATOR, declared
from simstudy.custom.load import function_of
from simstudy.entries import CodeSource, OptionError
from simstudy.errors import UserError
from simstudy.forms import shown
from simstudy.generators.scenario import OwnGenerator, Scenario
from simstudy.study.code import Imports, refuse_misfits, source_of
from simstudy.study.place import Place

FIELD = "data"
_WORDS = ("use", "digest")  # the study file's own
_MOST = 1e300
_EXPECTED = "expected a number, text, true/false, or in a list of lists a list of these"


def leaves(place: Place) -> Iterator[tuple[str, Place]]:
    """`data` itself, which is what it says of its file, and its options by their names."""
    place.expect(dict, 'a generator, {use: "FILE.py:FUNCTION", OPTION: ...}')
    if "use" not in place.value:
        place.refuse("'use' is missing (FILE.py:FUNCTION, which draws the data)")
    yield FIELD, Place(place.document, place.path, {k: v for k, v in place.value.items()
                                                    if k in _WORDS})  # fmt: skip
    for key in place.value:
        if key not in _WORDS:
            yield f"{FIELD}.{key}", place[key]


def is_option(name: str) -> bool:
    """Whether a field is an option of a generator."""
    return name.startswith(f"{FIELD}.")


def without(given: Mapping[str, Place]) -> dict[str, Place]:
    """The other fields."""
    if FIELD not in given:
        return dict(given)
    return {name: place for name, place in given.items() if name != FIELD and not is_option(name)}


@dataclass(frozen=True)
class Generators:
    """The generators of a study; a file is read, told of and imported once.

    Attributes
    ----------
    imports : Imports
    """

    imports: Imports
    _sources: dict[str, CodeSource] = field(default_factory=dict)

    def settle(self, given: Mapping[str, Place]) -> OwnGenerator | None:
        """The generator of one combination of fields; None where the data are drawn here."""
        if FIELD not in given:
            return None
        place = given[FIELD]
        options = {name.removeprefix(f"{FIELD}."): _option(at)
                   for name, at in given.items() if is_option(name)}  # fmt: skip
        try:
            return self._settled(place.value, options)
        except OptionError as error:
            place.refuse(error.message, error.option)
        except UserError as error:
            place.refuse(str(error), "use")

    def _settled(self, said: Mapping[str, Any], options: dict[str, Any]) -> OwnGenerator:
        source = self._source(said)
        ordered = tuple(sorted(options.items()))
        plain = OwnGenerator(source.function, source.digest, ordered, source, said["use"])
        if not self.imports.trusted:
            return plain
        if "digest" in said:  # a file of stored results may be gone
            with suppress(UserError):
                return _declared(plain, function_of(source, GENERATOR))
            return plain
        function = function_of(source, GENERATOR)
        refuse_misfits(options, source, options_of(function, 2))
        return _declared(plain, function)

    def _source(self, said: Mapping[str, Any]) -> CodeSource:
        key = repr((said["use"], said.get("digest")))
        if key not in self._sources:
            source = source_of(said, self.imports, GENERATOR)
            self.imports.tell(source, f"the data ({source.function})")
            self._sources[key] = source
        return self._sources[key]


def _declared(plain: OwnGenerator, function: Any) -> OwnGenerator:
    said = declared(function)
    assert said is not None
    return OwnGenerator(plain.function, plain.digest, plain.options, plain.source, plain.use,
                        said.grain, said.part)  # fmt: skip


def _option(place: Place) -> Any:
    """The value of an option: whole numbers as such however they are written."""
    value = place.value
    items = value if isinstance(value, list) else [value]
    if not items or not all(map(_is_plain, items)):
        place.refuse(f"{_EXPECTED}, got {shown(value)}")
    plain = tuple(int(one) if isinstance(one, float) and one == one // 1 else one for one in items)
    return plain if isinstance(value, list) else plain[0]


def _is_plain(value: Any) -> bool:
    """Whether something can be an option, or one of several in a list."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return abs(value) <= _MOST
    return isinstance(value, bool | str)


def refuse_groups(place: Place, settled: Scenario) -> None:
    """Refuse a third level that has no whole groups."""
    m = settled.clusters_per_group
    if m and settled.n_clusters % m:
        place.refuse(f"{settled.n_clusters} clusters are no groups of {m}")


def account(generator: OwnGenerator) -> str:
    """What a generator says that it draws, in a line; empty where it says nothing."""
    return account_of(function_of(generator.source, GENERATOR))
