"""``{use: "my_methods.py:trimmed", option: 3}`` as a configured method.

With a `digest` beside it, as results folders keep it, the file is not looked at before the
method is fitted.
"""

from __future__ import annotations

import inspect
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from simstudy.errors import nearest
from simstudy.estimands import DEFAULT, ESTIMANDS, OTHER_NAMES
from simstudy.own import declare, files, identity
from simstudy.own.declare import RESERVED
from simstudy.registry import Method, OptionError, Use, named_null, settle_null, settle_when

PYTHON = "python"  # instead of a file: the function was given from Python
_SHORTEST, _LONGEST = 0.01, 1e6  # seconds of a timeout
_PLAIN = re.compile(r"[\w.-]+")
Importing = Callable[[str, str], None]


def settle(
    item: Mapping[str, Any],
    folder: Path,
    trusted: bool = True,
    importing: Importing = lambda file, method: None,
) -> Method:
    """Check one entry of `methods:` that says `use:`, or raise `UserError`.

    Parameters
    ----------
    item : mapping
        use, and optionally label, estimand, null_value, when, digest, timeout and the function's
        own options.
    folder : Path
        The file's name is relative to this.
    trusted : bool
        Whether the file may be imported, now and later; else a digest must be given.
    importing : callable
        Told the file and the method's label, before the file is imported.
    """
    options = {key: value for key, value in item.items() if key not in RESERVED}
    for key, value in options.items():
        if not isinstance(value, bool | int | float | str):
            raise OptionError(str(key), f"expected a number, text or true/false, got {value!r:.40}")
    label, digest = (_text(item, key) for key in ("label", "digest"))
    if digest is None and not trusted:
        message = "the digest of its file is missing; nothing is imported to find it out"
        raise OptionError("use", f"{item['use']!r:.60}: {message}")
    estimand, null_value = _estimand(item), settle_null(item.get("null_value"))
    when = settle_when(item.get("when"))
    named = [f"{key}={_shown(options[key])}" for key in sorted(options)] + named_null(null_value)
    use = replace(use_of(item["use"], folder, digest), trusted=trusted, timeout=_timeout(item))
    plain = use.function + (f"[{','.join(named)}]" if named else "")
    if trusted and use.file:
        importing(use.file, label or plain)
    if digest is None:
        function = files.function_of(use)
        _fits(function, options, use)
        said = declare.declared(function)
        assert said is not None
        estimand = estimand or said.estimand
    place = Path(use.file).name or PYTHON
    canonical = f"{use.function}[{','.join([f'use={place}', f'digest={use.digest}', *named])}]"
    return Method(
        use.function, tuple(options.items()), canonical, label or plain, use,
        estimand or DEFAULT, null_value, when,
    )  # fmt: skip


def written(method: Method, folder: Path) -> dict[str, Any]:
    """The entry that `settle` reads as this very method in a study file of that folder."""
    assert method.use is not None
    # `truth` is what every version reads
    head: dict[str, Any] = written_use(method.use, folder) | {"truth": method.estimand}
    if method.null_value:
        head["null_value"] = method.null_value
    if method.use.timeout is not None:
        head["timeout"] = method.use.timeout
    if method.when is not None:
        head["when"] = method.when.text
    return head | dict(method.options) | {"label": method.label}


def written_use(use: Use, folder: Path) -> dict[str, Any]:
    """What `use_of` reads as this very function in a study file of that folder."""
    place = Path(os.path.relpath(use.file, folder)).as_posix() if use.file else PYTHON
    return {"use": f"{place}:{use.function}", "digest": use.digest}


def _text(item: Mapping[str, Any], key: str) -> str | None:
    value = item.get(key)
    if key in item and (not isinstance(value, str) or not value.strip()):
        raise OptionError(key, f"expected text, got {value!r:.40}")
    return value


def _estimand(item: Mapping[str, Any]) -> str | None:
    """What is estimated, by the study file; `truth` is its older word."""
    if "estimand" in item and "truth" in item:
        raise OptionError("truth", "is an older word for estimand; give one of them")
    key = "truth" if "truth" in item else "estimand"
    name = _text(item, key)
    if name is not None and name not in ESTIMANDS:
        raise OptionError(key, f"'{name}' is no estimand{nearest(name, ESTIMANDS, OTHER_NAMES)}")
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


def use_of(
    where: Any, folder: Path, digest: str | None, kind: declare.Kind = declare.METHOD
) -> Use:
    """What a `use:` says, "file.py:function" or a function from Python; imports nothing."""
    if callable(where):
        return _given(where, kind)
    place, _, function = where.rpartition(":") if isinstance(where, str) else ("", "", "")
    if not function.isidentifier() or not (place.endswith(".py") or (place == PYTHON and digest)):
        message = f"expected 'file.py:function', got {where!r:.60}"
        raise OptionError("use", message)
    file = "" if place == PYTHON else str((folder / place).resolve())
    if digest is not None:
        return Use(file, function, digest)
    return Use(file, function, files.digest_of(files.content_of(file)))


def _given(function: Callable[..., Any], kind: declare.Kind) -> Use:
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
        digest = files.digest_of(identity.of(function))
    except identity.UnknownError as error:
        raise OptionError("use", f"{name} {error}") from None
    return Use("", name, digest, function)


def refuse_changed(method: Method) -> None:
    """Refuse a function from Python that is no longer what it was when its study was loaded."""
    use = method.use
    given = None if use is None else use.given
    if use is not None and given is not None and _given(given, declare.METHOD).digest != use.digest:
        message = "or what it reads has changed since the study was loaded; load it again"
        raise OptionError("use", f"{use.function} {message}")


def _fits(function: Any, options: Mapping[str, Any], use: Use) -> None:
    """Refuse an option that the function does not take, or one that it needs."""
    known, others = declare.options_of(function)
    for key in options:
        if key not in known and not others:
            hint = nearest(key, known) if known else "; it has none"
            raise OptionError(str(key), f"{use.function} has no option '{key}'{hint}")
    for key, default in known.items():
        if default is inspect.Parameter.empty and key not in options:
            raise OptionError("use", f"{use.function} needs a value for '{key}'")


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
