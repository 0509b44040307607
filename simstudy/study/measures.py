"""`measures:` of a study file: ``{use: "my_measures.py:f"}``.

With a `digest` beside it, as results folders keep it, the file is not looked at before the
measure is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simstudy.custom.declare import MEASURE, account_of
from simstudy.custom.load import function_of
from simstudy.entries import CodeSource, OptionError
from simstudy.errors import UserError, nearest
from simstudy.study.code import Imports, source_of
from simstudy.study.place import Place

_KEYS = ("use", "digest")
_BUILT_IN = "the measures that are built in are always there"


@dataclass(frozen=True, slots=True)
class OwnMeasure:
    """A measure of the user's own: plain data, no part of any name, digest or stored row."""

    source: CodeSource

    @property
    def name(self) -> str:
        """What it is called in a summary: as its function is."""
        return self.source.function

    @property
    def function(self) -> Any:
        """The function, its file imported, or `UserError`."""
        return function_of(self.source, MEASURE)

    @property
    def account(self) -> str:
        """What it says that it is, in a line; empty where it says nothing."""
        return account_of(self.function)


def measures_of(listed: Place, imports: Imports) -> tuple[OwnMeasure, ...]:
    """The user's own measures; `UserError` where one cannot be, or stands there twice."""
    if listed.value is None:
        return ()
    listed.expect(list, 'a list such as [{use: "my_measures.py:function"}]')
    measures: dict[str, OwnMeasure] = {}
    for item in listed.items():
        try:
            measure = _measure(item.value, imports)
        except UserError as error:
            item.refuse(getattr(error, "message", str(error)))
        if measure.name in measures:
            item.refuse(f"two measures are called '{measure.name}'")
        measures[measure.name] = measure
    return tuple(measures.values())


def _measure(item: Any, imports: Imports) -> OwnMeasure:
    """Check one entry, a mapping or the decorated function itself, or raise `UserError`."""
    if callable(item):
        item = {"use": item}
    if not isinstance(item, Mapping) or "use" not in item:
        message = f'expected {{use: "file.py:function"}}, got {item!r:.60}; {_BUILT_IN}'
        raise OptionError("use", message)
    for key in item:
        if key not in _KEYS:
            raise OptionError(str(key), f"a measure has no option '{key}'{nearest(key, _KEYS)}")
    measure = OwnMeasure(source_of(item, imports, MEASURE))
    imports.tell(measure.source, f"the measure {measure.name}")
    if "digest" not in item:
        _ = measure.function  # what is wrong with it is said before any work is done
    return measure
