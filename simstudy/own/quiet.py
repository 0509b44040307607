"""Room 2: keeping a user's code from disturbing the program. Imports numpy and estimates."""

from __future__ import annotations

import io
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

import numpy as np

from simstudy.estimates import Failure

_LONGEST, _DEEPEST = 20_000, 50  # characters and calls of a traceback, the last ones


class _Nowhere(io.TextIOBase):
    """Takes any text and keeps none."""

    def write(self, text: str) -> int:
        return len(text)


@contextmanager
def quiet() -> Iterator[list[warnings.WarningMessage]]:
    """Swallow what is printed, keep what is warned, put settings back; yields the warnings."""
    with (
        redirect_stdout(_Nowhere()),
        redirect_stderr(_Nowhere()),
        warnings.catch_warnings(record=True) as heard,
        np.errstate(),
    ):
        warnings.simplefilter("always")
        yield heard


def attempt(call: Callable[[], Any]) -> Any:
    """What a call returns, or the `Failure` that it raised or warned of.

    Running out of memory is nobody's result: it goes on upward.
    """
    try:
        with quiet() as heard:
            found = call()
    except MemoryError:
        raise
    except (Exception, SystemExit) as error:
        return failure_of(error)
    for warning in heard:
        names = [kind.__name__ for kind in warning.category.__mro__]
        if any("convergence" in name.lower() for name in names):
            where = f"{warning.filename}:{warning.lineno}"
            message = f"{warning.category.__name__}: {warning.message}"
            return Failure(message, f"warned at {where}\n{message}\n")
    return found


def failure_of(error: BaseException) -> Failure:
    """An exception as a failure; its traceback begins where the user's code does."""
    steps = error.__traceback__
    while steps is not None and steps.tb_next is not None and _ours(steps.tb_frame.f_globals):
        steps = steps.tb_next
    text = "".join(traceback.format_exception(type(error), error, steps, limit=-_DEEPEST))
    lines = traceback.format_exception_only(type(error), error)
    return Failure(lines[-1].strip() or type(error).__name__, text[-_LONGEST:])


def _ours(names: dict[str, Any]) -> bool:
    """Whether a frame is this package's own."""
    return str(names.get("__name__", "")).partition(".")[0] == __name__.partition(".")[0]
