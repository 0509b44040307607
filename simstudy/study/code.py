"""``{use: "my_methods.py:trimmed", option: 3}`` as a configured method.

With a `digest` beside it, as results folders keep it, the file is not looked at before the
method is fitted.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simstudy.custom import declare, identity, load
from simstudy.custom.declare import RESERVED
from simstudy.entries import PYTHON, CodeSource, OptionError
from simstudy.errors import nearest
from simstudy.estimands import DEFAULT, ESTIMANDS, OTHER_NAMES
from simstudy.registry import OwnMethod, named_null, settle_null, settle_when

_SHORTEST, _LONGEST = 0.01, 1e6  # seconds of a timeout
_PLAIN = re.compile(r"[\w.-]+")
Listener = Callable[[str, str], object]


@dataclass(frozen=True, slots=True)
class Imports:
    """What may be done with the files that are to be used.

    Attributes
    ----------
    folder : Path
        Their names are relative to this.
    trusted : bool
        Whether they may be imported, now and later; else digests must be given.
    listener : callable
        Told a file, and what it is for, before it is imported.
    """

    folder: Path = field(default_factory=Path.cwd)
    trusted: bool = True
    listener: Listener = lambda file, purpose: None

    def tell(self, source: CodeSource, purpose: str) -> None:
        """Say what is to be imported, if it is a file."""
        if self.trusted and source.file:
            self.listener(source.file, purpose)


def settle(
    item: Mapping[str, Any], imports: Imports, covariates: Collection[str] = ()
) -> OwnMethod:
    """Check one entry of `methods:` that says `use:`, or raise `UserError`.

    Beside that it may have label, estimand, null_value, when, digest, timeout and the function's
    own options; `covariates` are those of any scenario.
    """
    options = {key: value for key, value in item.items() if key not in RESERVED}
    for key, value in options.items():
        if not isinstance(value, bool | int | float | str):
            raise OptionError(str(key), f"expected a number, text or true/false, got {value!r:.40}")
    label = _text(item, "label")
    source = source_of(item, imports)
    estimand, null_value = _estimand(item, covariates), settle_null(item.get("null_value"))
    when, timeout = settle_when(item.get("when")), _timeout(item)
    named = [f"{key}={_shown(options[key])}" for key in sorted(options)] + named_null(null_value)
    plain = source.function + (f"[{','.join(named)}]" if named else "")
    imports.tell(source, label or plain)
    if "digest" not in item:
        function = load.function_of(source)
        refuse_misfits(options, source, declare.options_of(function))
        declared = declare.declared(function)
        assert declared is not None
        estimand = estimand or declared.estimand
    whole = [f"use={Path(source.file).name or PYTHON}", f"digest={source.digest}", *named]
    canonical = f"{source.function}[{','.join(whole)}]"
    return OwnMethod(
        source.function, tuple(options.items()), canonical, label or plain,
        estimand or DEFAULT, null_value, when, timeout, source=source,
    )  # fmt: skip


def _text(item: Mapping[str, Any], key: str) -> str | None:
    value = item.get(key)
    if key in item and (not isinstance(value, str) or not value.strip()):
        raise OptionError(key, f"expected text, got {value!r:.40}")
    return value


def _estimand(item: Mapping[str, Any], covariates: Collection[str]) -> str | None:
    """What is estimated, by the study file; `truth` is its older word."""
    if "estimand" in item and "truth" in item:
        raise OptionError("truth", "is an older word for estimand; give one of them")
    key = "truth" if "truth" in item else "estimand"
    name = _text(item, key)
    known = [*ESTIMANDS, *covariates]
    if name is not None and name not in known:
        raise OptionError(key, f"'{name}' is no estimand{nearest(name, known, OTHER_NAMES)}")
    return name


def _timeout(item: Mapping[str, Any]) -> float | None:
    """Seconds that a call may take; None without a limit."""
    if "timeout" not in item:
        return None
    value = item["timeout"]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (number and _SHORTEST <= value <= _LONGEST):
        message = f"expected seconds from {_SHORTEST:g} to {_LONGEST:g}, got {value!r:.40}"
        raise OptionError("timeout", message)
    return float(value)


def source_of(
    item: Mapping[str, Any], imports: Imports, kind: declare.Kind = declare.METHOD
) -> CodeSource:
    """What a `use:` says, "file.py:function" or a function from Python; imports nothing."""
    where, digest = item["use"], _text(item, "digest")
    if digest is None and not imports.trusted:
        message = "the digest of its file is missing; nothing is imported to find it out"
        raise OptionError("use", f"{where!r:.60}: {message}")
    if callable(where):
        return _given(where, kind)
    place, _, function = where.rpartition(":") if isinstance(where, str) else ("", "", "")
    if not function.isidentifier() or not (place.endswith(".py") or (place == PYTHON and digest)):
        raise OptionError("use", f"expected 'file.py:function', got {where!r:.60}")
    file = "" if place == PYTHON else str((imports.folder / place).resolve())
    digest = digest or load.digest_of(load.content_of(file))
    return CodeSource(file, function, digest, trusted=imports.trusted)


def _given(function: Callable[..., Any], kind: declare.Kind) -> CodeSource:
    """A function from Python; its identity is what it is written as and its defaults hold.

    So is what it reads from around it; see `identity`.
    """
    name = getattr(function, "__name__", "")
    if not kind.fits(function) or not name.isidentifier():
        message = f"{name or function!r:.60} is not decorated with {kind.decorator}"
        raise OptionError("use", message)
    if getattr(function, "__closure__", None):
        message = f"{name} refers to variables of the function around it; make them options"
        raise OptionError("use", message)
    try:
        digest = load.digest_of(identity.of(function))
    except identity.UnknownError as error:
        raise OptionError("use", f"{name} {error}") from None
    return CodeSource("", name, digest, function)


def refuse_changed(source: CodeSource, kind: declare.Kind = declare.METHOD) -> None:
    """Refuse a function from Python that is no longer what it was when its study was loaded."""
    if source.given is not None and _given(source.given, kind).digest != source.digest:
        message = "or what it reads has changed since the study was loaded; load it again"
        raise OptionError("use", f"{source.function} {message}")


def refuse_misfits(
    options: Mapping[str, Any], source: CodeSource, takes: tuple[Mapping[str, Any], bool]
) -> None:
    """Refuse an option that a function does not take, or one that it needs; see `options_of`."""
    known, others = takes
    for key in options:
        if key not in known and not others:
            hint = nearest(key, known) if known else "; it has none"
            raise OptionError(str(key), f"{source.function} has no option '{key}'{hint}")
    for key, default in known.items():
        if default is inspect.Parameter.empty and key not in options:
            raise OptionError("use", f"{source.function} needs a value for '{key}'")


def _shown(value: Any) -> str:
    """A value as a canonical name holds it."""
    plain = isinstance(value, str) and _PLAIN.fullmatch(value) and not _is_number(value)
    return value if plain else json.dumps(value)


def _is_number(text: str) -> bool:
    """Whether text could be taken for a number or a truth value."""
    try:
        return isinstance(json.loads(text), bool | int | float)
    except ValueError:
        return False
