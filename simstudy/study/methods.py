"""`methods:` of a study file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from simstudy import words
from simstudy.entries import OptionError
from simstudy.errors import UserError, nearest
from simstudy.forms import shown
from simstudy.registry import Method, configure, methods
from simstudy.study.code import Imports, settle
from simstudy.study.place import Place


def methods_of(
    listed: Place, imports: Imports, covariates: Collection[str] = ()
) -> tuple[Method, ...]:
    """The methods, none of them twice; `covariates` are those of any scenario."""
    if not isinstance(listed.value, list) or not listed.value:
        listed.refuse(f"expected a list such as [{', '.join(methods())}]")
    chosen: list[Method] = []
    for item in listed.items():
        try:
            method = method_of(item.value, imports, covariates)
        except OptionError as error:
            inner = () if callable(item.value) or "use" in item.value else item.value
            item.refuse(error.message, *inner, error.option)
        except UserError as error:
            item.refuse(str(error))
        for other in chosen:
            if method.canonical == other.canonical:
                item.refuse(f"{method.canonical} is listed twice")
            if method.label == other.label:
                item.refuse(f"label '{method.label}' is used twice")
        chosen.append(method)
    return tuple(chosen)


def names_of(methods: Iterable[Method]) -> dict[str, str]:
    """What methods of a study may be called, label or canonical name -> canonical name."""
    return {name: method.canonical for method in methods
            for name in (method.canonical, method.label)}  # fmt: skip


def called(name: Any, methods: Iterable[Method]) -> str:
    """Canonical name of the method of a study that is called so, or `UserError`."""
    names = names_of(methods)
    if not isinstance(name, str) or name not in names:
        raise UserError(f"{shown(name)} is no method of the study{nearest(str(name), names)}")
    return names[name]


def method_of(
    item: Any, imports: Imports | None = None, covariates: Collection[str] = ()
) -> Method:
    """Read one entry of `methods:`.

    Parameters
    ----------
    item : text, mapping or callable
        A name, ``{name: {option: value}}``, ``{use: "file.py:function", option: value}`` or,
        from Python, a function decorated with ``@simstudy.method``.
    imports : Imports, optional
        By default of trusted files, relative to the current folder.
    covariates : collection of str, optional
        As of `configure`.
    """
    if callable(item):
        item = {"use": item}
    if isinstance(item, dict) and "use" in item:
        return settle(item, imports or Imports(), covariates)
    if isinstance(item, str):
        return configure(item)
    hint = _indented(item) if isinstance(item, dict) else ""
    if isinstance(item, dict) and not hint and (meant := _misspelt_use(item)):
        raise UserError(f"unknown key '{meant}'; did you mean 'use'?")
    if not isinstance(item, dict) or len(item) != 1:
        expected = "expected a method's name or 'name: {option: value}'"
        raise UserError(f"{expected}, got {item!r:.60}{hint}")
    ((name, options),) = item.items()
    if name not in methods():
        return configure(str(name))
    if options is None:
        options = {}
    if not isinstance(options, dict):
        message = f"options of {name}: expected {{option: value}}, got {shown(options)}"
        raise UserError(message + words.for_value(methods()[name], options))
    return configure(str(name), options, covariates)


def _indented(item: dict[Any, Any]) -> str:
    """What to write where a method's options stand beside its name, not under it."""
    name, *keys = item or [None]
    if name not in methods() or item[name] is not None or not keys:
        return ""
    options = ", ".join(f"{key}: {item[key]}" for key in keys)
    return f"; write `{name}: {{{options}}}`, or indent the options further than the name"


def _misspelt_use(item: Mapping[str, Any]) -> str | None:
    """The key that was to be `use`: by its spelling, or by what it names."""
    for key, value in item.items():
        place = isinstance(value, str) and ".py:" in value
        if key not in methods() and (place or "'use'" in nearest(key, ("use",), {"file": "use"})):
            return key
    return None
