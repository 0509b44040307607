"""A user's file as a module, by its content, and a function in it as a method like any other.

What a file imports must be installed: the digest of the one file is all that tells its rows
from those of an earlier version, so a helper beside it would change results unseen.
"""

from __future__ import annotations

import hashlib
import traceback
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from simstudy.custom import call, declare, doing, loaded
from simstudy.custom.declare import METHOD, DeclarationError, Kind
from simstudy.custom.quiet import named, quiet
from simstudy.entries import CodeSource, Entry
from simstudy.errors import Interrupt, UserError, brief, nearest

_DIGITS = 8
# of a fit whose cost nobody knows: more than most take, since workers for nothing cost less than
# none where they are needed
_SECONDS = {"rows": 2e-2, "clusters": 1e-5, "pooled": 1e-5}
_UNTRUSTED = (
    "is not imported for a study.yaml of a results folder; `replay` does it with --trust, `run` "
    "and `plan` for the study file that the results were made from"
)


def digest_of(content: bytes) -> str:
    """First 8 hexadecimal digits of SHA-256, whatever the line endings are."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()[:_DIGITS]


def content_of(file: str | Path) -> bytes:
    """The bytes of a file, or `UserError`."""
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise UserError(error.strerror or str(error), file=str(file)) from None


@lru_cache(maxsize=64)
def module_of(file: str, digest: str) -> ModuleType:
    """Run a file once a process, under a name of its own; it must have this content."""
    content = loaded.brought(digest)
    if content is None:
        content = content_of(file)
    if digest_of(content) != digest:
        message = f"has changed: its digest is {digest_of(content)}, and {digest} is asked for"
        raise UserError(message, file=file)
    doing.before_first()
    try:
        with quiet(), doing.threads_noted(), doing.now(f"the import of {file}"):
            return import_module(loaded.name_of(file, digest))
    except (MemoryError, Interrupt):
        raise
    except BaseException as error:
        raise UserError(_wrong(error, file), file=file, line=_line(error, file)) from None


def _wrong(error: BaseException, file: str) -> str:
    """What is wrong with a file, without its place."""
    if isinstance(error, DeclarationError | UserError):
        return str(error)
    if isinstance(error, SyntaxError) and error.filename == file:
        return f"cannot be imported: SyntaxError: {error.msg}"
    return f"cannot be imported: {brief(named(error))}"


def _line(error: BaseException, file: str) -> int | None:
    """Where in the file it went wrong."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno for frame in reversed(frames) if frame.filename == file), None)


def offered(module: ModuleType, kind: Kind = METHOD) -> dict[str, Any]:
    """The functions of a module that are decorated for this, by name."""
    return {name: value for name, value in vars(module).items()
            if callable(value) and kind.fits(value)
            and getattr(value, "__module__", "") == module.__name__}  # fmt: skip


def function_of(source: CodeSource, kind: Kind = METHOD) -> Any:
    """The function behind a `use:`, or `UserError` saying what the file offers."""
    if source.given is not None:
        return source.given
    if not source.file:
        raise UserError(f"{source.function} was given from Python; run the study from there")
    if not source.trusted:
        raise UserError(f"{source.function} {_UNTRUSTED}", file=source.file)
    module = module_of(source.file, source.digest)
    known = offered(module, kind)
    if source.function in known:
        return known[source.function]
    if hasattr(module, source.function):
        raise UserError(
            f"{source.function} {_unfit(module, source.function, kind)}", file=source.file
        )
    hint = nearest(source.function, known) if known else f"; no function has {kind.decorator}"
    raise UserError(f"no function '{source.function}'{hint}", file=source.file)


def _unfit(module: ModuleType, name: str, kind: Kind) -> str:
    """Why something of a module cannot be used as a method or measure."""
    value = getattr(module, name)
    home = getattr(value, "__module__", module.__name__)
    if not callable(value):
        return f"is no function: it is of type {type(value).__name__}"
    if home != module.__name__:
        return f"is imported from {home}; use the file in which it is written"
    return f"is not decorated with {kind.decorator}"


def entry_of(source: CodeSource) -> Entry:
    """The method that a function is, or `UserError`."""
    return _entry(source, source.file, id(source.given), source.trusted)


@lru_cache(maxsize=256)
def _entry(source: CodeSource, file: str, given: int, trusted: bool) -> Entry:
    """One for each file, which tracebacks name, and for each function, which `source` keeps."""
    function = function_of(source)
    declared = declare.declared(function)
    assert declared is not None
    account = declare.account_of(function)
    return Entry(
        name=source.function,
        summary=account.rstrip(".") or source.function,
        grain=declared.grain,
        fit=partial(call.fit_frames if declared.grain == "rows" else call.fit_moments, function),
        terms=("slope",),
        draws=declare.draws(function),
        account=lambda chosen, predictors: account,
        part=declared.part,
        seconds=_SECONDS,
        as_they_are=True,
    )
