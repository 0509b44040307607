"""Keeping a user's code from disturbing the program.

Whatever it raises or prints, changes or waits for, its caller gets an answer or a `Failure`.
"""

from __future__ import annotations

import atexit
import os
import signal
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import lru_cache
from io import TextIOWrapper
from typing import Any, NamedTuple, NoReturn

import numpy as np

from simstudy.custom import deadline, doing, settings
from simstudy.custom.loaded import is_ours
from simstudy.errors import Interrupt, without_numbers
from simstudy.estimates import Failure

_LONGEST, _DEEPEST = 20_000, 50  # characters and calls of a traceback, the last ones
_BOUNDARY = "boundary of the parameter space"  # statsmodels: a variance estimated as zero
_FOR_DEVELOPERS = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)
_THREAD = "a thread that the method started outlived its call"


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
    nowhere = _nowhere()
    with (
        settings.kept(),
        redirect_stdout(nowhere),
        redirect_stderr(nowhere),
        warnings.catch_warnings(record=True) as heard,
        np.errstate(),
        _heard_apart(),
    ):
        warnings.simplefilter("always")
        yield heard


@contextmanager
def _heard_apart() -> Iterator[None]:
    """Make a real Ctrl-C an `Interrupt`, so that a method's own KeyboardInterrupt is told from it.

    The command line does so by itself.
    """
    own = threading.current_thread() is threading.main_thread()
    if own and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)  # `settings.kept` puts Python's own back
    yield


def _interrupt(number: int, frame: object) -> NoReturn:
    raise Interrupt


class Attempt(NamedTuple):
    """What became of a call.

    Attributes
    ----------
    result : object
        What it returned, or the `Failure` that it raised or warned of.
    warned : tuple of str
        Its warnings, numbers left out.
    """

    result: Any
    warned: tuple[str, ...]


def attempt(
    call: Callable[[], Any],
    settled: Callable[[Any], bool] = lambda result: False,
    timeout: float | None = None,
) -> Attempt:
    """Call a user's function.

    Running out of memory is nobody's result and a real Ctrl-C nobody's failure: they go on
    upward.

    Parameters
    ----------
    call : callable
    settled : callable
        What was returned -> whether that says itself if it converged; then no warning counts.
    timeout : float, optional
        Seconds after which the call is given up.
    """
    left: list[threading.Thread] = []
    try:
        with quiet() as heard, doing.threads_noted() as left, deadline.Deadline(timeout):
            result = call()
    except (MemoryError, Interrupt):
        raise
    except deadline.TimeoutReached as error:
        result = failure_of(error)._replace(message=deadline.MESSAGE)
    except BaseException as error:  # packages in Rust raise what is no Exception
        result = failure_of(error)
    texts = [f"{item.category.__name__}: {item.message}" for item in filter(_of_a_fit, heard)]
    texts += [_THREAD] if left else []
    warned = tuple(without_numbers(_line(text)) for text in texts)
    lost = next(filter(_of_non_convergence, heard), None)
    if isinstance(result, Failure) or lost is None or settled(result):
        return Attempt(result, warned)
    message = _line(f"{lost.category.__name__}: {lost.message}")
    where = f"warned at {lost.filename}:{lost.lineno}\n{message}\n"
    return Attempt(Failure(message, where), warned)


def _of_a_fit(warning: warnings.WarningMessage) -> bool:
    """Whether a warning may say something of a fit: not one to the developers of a library.

    Those come once a process, or when garbage is collected, as it happens.
    """
    return not issubclass(warning.category, _FOR_DEVELOPERS)


def _of_non_convergence(warning: warnings.WarningMessage) -> bool:
    """Whether a warning says so, by its kind or in words; an estimate of zero is no such thing."""
    text = str(warning.message).lower()
    kinds = [kind.__name__.lower() for kind in warning.category.__mro__]
    told = "converge" in text or any("convergence" in kind for kind in kinds)
    return told and _BOUNDARY not in text


def failure_of(error: BaseException) -> Failure:
    """An exception as a failure; its traceback begins where the user's code does."""
    steps = error.__traceback__
    while steps is not None and steps.tb_next is not None and is_ours(steps.tb_frame.f_globals):
        steps = steps.tb_next
    text = "".join(traceback.format_exception(type(error), error, steps, limit=-_DEEPEST))
    text = text.encode("utf-8", "backslashreplace").decode()  # lone surrogates cannot be stored
    return Failure(named(error), text[-_LONGEST:])


def named(error: BaseException) -> str:
    """An exception in one line: its kind and what it says."""
    try:
        text = str(error)
    except Interrupt:
        raise
    except BaseException:  # str() is the user's own
        text = "<its text cannot be had>"
    return _line(f"{type(error).__name__}: {text}").removesuffix(":")


def _line(text: str) -> str:
    """One line as it is stored: what cannot be printed is a blank, as it always was."""
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split())).strip()
