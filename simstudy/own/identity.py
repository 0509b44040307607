"""Room 2: what tells a function that was given from Python from others. Imports nothing of ours.

The same in every process: no address, no hash of text and no order of a set is part of it.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from types import CodeType, FunctionType
from typing import Any

_PLAIN = (bool, int, float, complex, str, bytes)


class UnknownError(Exception):
    """The function cannot be told from others; says why, after ``it has``."""


def of(function: Callable[..., Any]) -> bytes:
    """Its source, or where there is none (typed at a prompt) its code; and its defaults."""
    try:
        body: Any = inspect.getsource(function)
    except (OSError, TypeError):
        body = getattr(function, "__code__", None)
        if body is None:
            raise UnknownError("neither source nor code") from None
    parameters = inspect.signature(function).parameters.values()
    defaults = [(p.name, p.default) for p in parameters if p.default is not p.empty]
    return _text((body, defaults)).encode("utf-8", "surrogatepass")


def _text(value: Any) -> str:
    """Plain data, code, or a collection of them as text that is the same in every process."""
    kind = type(value).__name__
    if value is None or value is Ellipsis or isinstance(value, _PLAIN):
        return f"{kind}:{value!r}"
    if isinstance(value, CodeType):
        inner = (value.co_code, value.co_names, value.co_varnames, value.co_consts)
        return f"code:{_text(inner)}"
    if isinstance(value, tuple | list):
        return f"{kind}:[{','.join(map(_text, value))}]"
    if isinstance(value, set | frozenset):
        return f"{kind}:[{','.join(sorted(map(_text, value)))}]"
    if isinstance(value, Mapping):
        return f"{kind}:[{','.join(sorted(_text(pair) for pair in value.items()))}]"
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        return f"{kind}:{value.dtype}:{_text(value.tolist())}"
    place = f"{getattr(value, '__module__', '')}:{getattr(value, '__qualname__', '')}"
    if _at(place) is value:
        return f"{kind}:{place}"
    if isinstance(value, FunctionType) and not value.__closure__:
        return f"{kind}:{of(value)!r}"
    raise UnknownError(f"a default of type {kind}; options are numbers, text or true/false")


def _at(place: str) -> Any:
    """What stands in a module under that name."""
    module, _, names = place.partition(":")
    found: Any = sys.modules.get(module)
    for name in names.split("."):
        found = getattr(found, name, None)
    return found
