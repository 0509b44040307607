"""What tells a function that was given from Python from others.

Its source, its defaults, and what it reads from around it: constants by their value, the user's
own functions and classes by theirs, what is installed by its name. Anything else could change
unseen, and its old rows would pass for new ones, so it is refused. The same in every process: no
address, no hash of text and no order of a set is part of it.
"""

from __future__ import annotations

import builtins
import dis
import inspect
import re
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

_PLAIN = (bool, int, float, complex, str, bytes)
_LARGEST = 1_000_000  # bytes of an array
_OF_CLASSES = ("__module__", "__dict__", "__weakref__", "__doc__", "__qualname__",
               "__annotations__", "__firstlineno__", "__static_attributes__")  # fmt: skip


class UnknownError(Exception):
    """The function cannot be told from others; says why, after the function's name."""


def of(function: Callable[..., Any]) -> bytes:
    """What a function is written as, what its defaults hold, and what it reads beside them."""
    return _of(function, ()).encode("utf-8", "surrogatepass")


def _of(function: Callable[..., Any], within: tuple[Any, ...]) -> str:
    try:
        body: Any = inspect.getsource(function)
    except (OSError, TypeError):
        body = getattr(function, "__code__", None)
        if body is None:
            raise UnknownError("has neither source nor code") from None
    within = (*within, function)
    parameters = inspect.signature(function).parameters.values()
    defaults = [(p.name, _default(p.default, within)) for p in parameters
                if p.default is not p.empty]  # fmt: skip
    written = f"tuple:[{_text(body)},{_list(f'tuple:[{_text(n)},{d}]' for n, d in defaults)}]"
    around = "".join(f"\n{name}={text}" for name, text in sorted(_around(function, within)))
    return written + around


def _list(texts: Iterator[str]) -> str:
    return f"list:[{','.join(texts)}]"


def _default(value: Any, within: tuple[Any, ...]) -> str:
    try:
        return _text(value, within)
    except UnknownError as error:
        message = f"has a default of type {type(value).__name__}"
        raise UnknownError(f"{message}; options are numbers, text or true/false") from error


def _around(function: Any, within: tuple[Any, ...]) -> Iterator[tuple[str, str]]:
    """Globals and closed-over variables that tell something, and what they tell."""
    wrapped = inspect.unwrap(function)
    if wrapped is not function:
        yield "(wrapper)", _text(function.__code__)
        yield "(wrapped)", _of(wrapped, within)
    code = getattr(function, "__code__", None)
    names = set(_globals(code)) if code is not None else set()
    around = {name: function.__globals__[name] for name in names if name in function.__globals__}
    cells = zip(code.co_freevars, function.__closure__ or (), strict=False) if code else ()
    around |= {name: cell.cell_contents for name, cell in cells}
    for name, value in around.items():
        if any(value is outer for outer in within):
            continue
        try:
            text = _constant(value, within)
        except UnknownError as error:
            if error.args[0].startswith("reads "):
                raise  # said of what is read in turn
            raise UnknownError(
                f"reads {name} from around it, which {error}; make it an option, or a constant "
                "(a number, text, a tuple of those, a small numpy array)"
            ) from None
        if text:
            yield name, text


def _globals(code: CodeType) -> Iterator[str]:
    """Names that code, and the code inside it, reads or sets globally."""
    for step in dis.get_instructions(code):
        if step.opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
            raise UnknownError(f"sets the global {step.argval}: its fits depend on those before")
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME") and not hasattr(builtins, step.argval):
            yield step.argval
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _globals(inner)


def _constant(value: Any, within: tuple[Any, ...]) -> str:
    """What cannot change by itself, as text; empty for what is installed."""
    if _installed(value):
        return ""
    if isinstance(value, tuple | frozenset):
        inner = [_constant(item, within) or _text(item) for item in value]
        inner = sorted(inner) if isinstance(value, frozenset) else inner
        return f"{type(value).__name__}:[{','.join(inner)}]"
    if isinstance(value, re.Pattern):
        return f"pattern:{value.pattern!r}:{value.flags}"
    if isinstance(value, list | set | Mapping) or not _told(value):
        raise UnknownError(f"is of type {type(value).__name__}")
    if isinstance(value, ModuleType):
        raise UnknownError("is a module that is not installed")
    if getattr(value, "nbytes", 0) > _LARGEST:
        raise UnknownError("is a large array")
    return _text(value, within)


def _told(value: Any) -> bool:
    """Whether the value of this kind of thing can be told at all."""
    plain = value is None or value is Ellipsis or isinstance(value, (*_PLAIN, range, partial))
    code = isinstance(value, FunctionType | BuiltinFunctionType | type | ModuleType)
    return plain or code or type(value).__module__ == "numpy"


def _text(value: Any, within: tuple[Any, ...] = ()) -> str:
    """Plain data, code, or a collection of them as text that is the same in every process."""
    kind = type(value).__name__
    if value is None or value is Ellipsis or isinstance(value, (*_PLAIN, range)):
        return f"{kind}:{value!r}"
    if isinstance(value, CodeType):
        held = (value.co_code, value.co_names, value.co_varnames, value.co_consts)
        return f"code:{_text(held)}"
    if isinstance(value, tuple | list):
        return f"{kind}:[{','.join(_text(one, within) for one in value)}]"
    if isinstance(value, set | frozenset):
        return f"{kind}:[{','.join(sorted(_text(one, within) for one in value))}]"
    if isinstance(value, Mapping):
        return f"{kind}:[{','.join(sorted(_text(pair, within) for pair in value.items()))}]"
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        return f"{kind}:{value.dtype}:{_text(value.tolist())}"
    if isinstance(value, partial):
        return f"partial:{_text((value.func, value.args, value.keywords), within)}"
    place = f"{getattr(value, '__module__', '')}:{getattr(value, '__qualname__', '')}"
    if _installed(value) and _at(place) is value:
        return f"{kind}:{place}"
    if any(value is outer for outer in within):
        return f"{kind}:{place}"  # it calls itself, or what calls it
    if isinstance(value, FunctionType):
        return f"{kind}:{_of(value, within)!r}"
    if isinstance(value, type):
        return _class(value, (*within, value))
    raise UnknownError(f"is of type {kind}")


def _class(value: type, within: tuple[Any, ...]) -> str:
    """A class by its members, and those of what it is made from."""
    fields: Any = getattr(value, "_fields", None)
    if issubclass(value, tuple) and isinstance(fields, tuple):  # a named tuple
        return (
            f"tuple:{value.__qualname__}:{_text((fields, getattr(value, '_field_defaults', {})))}"
        )
    members = []
    for name, member in sorted(vars(value).items()):
        if name in _OF_CLASSES:
            continue
        function = getattr(member, "__func__", member)  # static and class methods
        if isinstance(member, property):
            function = (member.fget, member.fset)
        try:
            members.append(f"{name}={_constant(function, within) or _text(function, within)}")
        except UnknownError as error:
            raise UnknownError(f"has {name}, which {error}") from None
    bases = [_text(base, within) for base in value.__bases__]
    return f"class:{value.__qualname__}:[{';'.join([*bases, *members])}]"


def _installed(value: Any) -> bool:
    """Whether something is a module, or of a module, that belongs to Python or a package."""
    if isinstance(value, ModuleType):
        return _is_installed(value.__name__.partition(".")[0])
    if isinstance(value, np.ufunc):  # of scipy's, too; but not one made of a user's function
        return "vectorized" not in value.__name__
    home = getattr(value, "__module__", None) if callable(value) else None
    if not isinstance(home, str) or not _is_installed(home.partition(".")[0]):
        return False
    if isinstance(value, FunctionType | BuiltinFunctionType | type):
        return True
    held = vars(sys.modules[home]) if home in sys.modules else {}
    return any(
        value is member for member in held.values()
    )  # a distribution of scipy's, for example


@lru_cache(maxsize=256)
def _is_installed(name: str) -> bool:
    if name == "__main__":
        return False
    if name == __name__.partition(".")[0]:
        return True
    module = sys.modules.get(name)
    if name in sys.builtin_module_names or name in sys.stdlib_module_names:
        return True
    file = getattr(module, "__file__", None)
    homes = [Path(home).resolve() for home in set(sysconfig.get_paths().values())]
    if file is not None and any(home in Path(file).resolve().parents for home in homes):
        return True
    from importlib import metadata  # of a package that is installed for its development

    return name in metadata.packages_distributions()


def _at(place: str) -> Any:
    """What stands in a module under that name."""
    module, _, names = place.partition(":")
    value: Any = sys.modules.get(module)
    for name in names.split("."):
        value = getattr(value, name, None)
    return value
