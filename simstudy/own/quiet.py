"""Room 2: keeping a user's code from disturbing the program. Imports errors and estimates."""

from __future__ import annotations

import atexit
import os
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import lru_cache
from io import TextIOWrapper
from typing import Any

import numpy as np

from simstudy.errors import one_line
from simstudy.estimates import Failure

_LONGEST, _DEEPEST = 20_000, 50  # characters and calls of a traceback, the last ones
_BOUNDARY = "boundary of the parameter space"  # statsmodels: a variance estimated as zero


@lru_cache(maxsize=1)
def _open() -> TextIOWrapper:
    """A real stream, with a buffer, an encoding and a number, that keeps nothing; one a process."""
    stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (for the whole process)
    atexit.register(stream.close)
    return stream


def _nowhere() -> TextIOWrapper:
    """Where what is printed goes: any text will do, whatever a method did to the stream."""
    stream = _open()
    try:
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    except (OSError, ValueError):  # closed, or its buffer taken
        _open.cache_clear()
        stream = _open()
        stream.reconfigure(errors="backslashreplace")
    return stream


@contextmanager
def quiet() -> Iterator[list[warnings.WarningMessage]]:
    """Swallow what is printed, put settings and the folder back; yields the warnings."""
    folder, nowhere = _folder(), _nowhere()
    try:
        with (
            redirect_stdout(nowhere),
            redirect_stderr(nowhere),
            warnings.catch_warnings(record=True) as heard,
            np.errstate(),
        ):
            warnings.simplefilter("always")
            yield heard
    finally:
        if folder is not None and _folder() != folder:
            os.chdir(folder)


def _folder() -> str | None:
    """The current folder; None where it is gone."""
    try:
        return os.getcwd()
    except OSError:
        return None


def attempt(call: Callable[[], Any], settled: Callable[[Any], bool] = lambda found: False) -> Any:
    """What a call returns, or the `Failure` that it raised or warned of.

    Running out of memory is nobody's result: it goes on upward.

    Parameters
    ----------
    call : callable
    settled : callable
        What was returned -> whether that says itself if it converged; then no warning counts.
    """
    try:
        with quiet() as heard:
            found = call()
    except MemoryError:
        raise
    except (Exception, SystemExit) as error:
        return failure_of(error)
    warned = next(filter(_of_non_convergence, heard), None)
    if warned is None or settled(found):
        return found
    message = _line(f"{warned.category.__name__}: {warned.message}")
    return Failure(message, f"warned at {warned.filename}:{warned.lineno}\n{message}\n")


def _of_non_convergence(warning: warnings.WarningMessage) -> bool:
    """Whether a warning says so, by its kind or in words; an estimate of zero is no such thing."""
    text = str(warning.message).lower()
    kinds = [kind.__name__.lower() for kind in warning.category.__mro__]
    told = "converge" in text or any("convergence" in kind for kind in kinds)
    return told and _BOUNDARY not in text


def failure_of(error: BaseException) -> Failure:
    """An exception as a failure; its traceback begins where the user's code does."""
    steps = error.__traceback__
    while steps is not None and steps.tb_next is not None and _ours(steps.tb_frame.f_globals):
        steps = steps.tb_next
    text = "".join(traceback.format_exception(type(error), error, steps, limit=-_DEEPEST))
    text = text.encode("utf-8", "backslashreplace").decode()  # lone surrogates cannot be stored
    return Failure(named(error), text[-_LONGEST:])


def named(error: BaseException) -> str:
    """An exception in one line: its kind and what it says."""
    try:
        said = str(error)
    except Exception:  # str() is the user's own
        said = "<its text cannot be had>"
    return _line(f"{type(error).__name__}: {said}").removesuffix(":")


def _line(text: str) -> str:
    return one_line(" ".join(text.split()))


def _ours(names: dict[str, Any]) -> bool:
    """Whether a frame is this package's own."""
    return str(names.get("__name__", "")).partition(".")[0] == __name__.partition(".")[0]
