"""The form of what a part's footer says; a stranger may have written anything there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

TIMEOUT = "timeout"  # of a part of which a timeout cut some fit
ALSO = "also"  # what else the footers said of which parts were joined
_OF_ITSELF = {"first", "last", "scenarios", "methods", "keys", "beside", "sum", "format", ALSO}


def of_our_form(said: Mapping[str, Any]) -> dict[str, Any]:
    """What a footer says, but for what is of another form than ours."""
    return {name: value for name, value in said.items() if _FORMS.get(name, _is_plain)(value)}


def origins(footer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Where the rows of a part come from: several runs, where parts were joined."""
    own = {name: said for name, said in footer.items() if name not in _OF_ITSELF}
    return [own, *map(of_our_form, footer.get(ALSO, ()))]


def _is_plain(value: Any) -> bool:
    return not isinstance(value, list | dict)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _are(kind: Any, values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, kind) for value in values)


def _are_texts(values: Any) -> bool:
    return _are(str, values)


def _are_named(values: Any) -> bool:
    return isinstance(values, dict) and _are_texts(list(values.values()))


_FORMS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("scenarios", "methods"), _are_texts),
    **dict.fromkeys(("keys", "beside", "packages"), _are_named),
    **dict.fromkeys(("first", "last", "seed", "format", TIMEOUT), _is_number),
    "alphas": lambda values: _are(int | float, values),
    ALSO: lambda values: _are(dict, values),
}
