"""Settings of this process that a user's code may change, put back after each call.

What is read here costs some microseconds; what a method changes for good (a limit of the
system, a thread) cannot be put back.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import gc
import locale
import os
import random
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import numpy as np

# handlers are read by _signal: the public getsignal makes an enum of each, at ten times the cost
_NAMES = ("SIGINT", "SIGTERM", "SIGALRM", "SIGHUP", "SIGCHLD", "SIGPIPE", "SIGUSR1", "SIGUSR2")
_SIGNALS = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
_GLOBAL: Any = np.random  # whose stub does not know them all
_LENT = np.random.MT19937(0)  # numpy's global generator while a user's code runs
_OF_SYS = ("stdin", "stdout", "stderr", "excepthook")


class _Setting(NamedTuple):
    read: Callable[[], Any]
    write: Callable[[Any], Any]


def _folder() -> str | None:
    """The current folder; None where it is gone."""
    try:
        return os.getcwd()
    except OSError:
        return None


def _umask() -> int:
    held = os.umask(0o077)
    os.umask(held)
    return held


def _environment() -> dict[Any, Any]:
    held: Any = os.environ
    return dict(held._data) if hasattr(held, "_data") else dict(held)  # as bytes: no decoding


def _set_environment(before: dict[Any, Any]) -> None:
    now = _environment()
    for key in now.keys() - before.keys():
        os.environ.pop(os.fsdecode(key), None)
    for key, value in before.items():
        if now.get(key) != value:
            os.environ[os.fsdecode(key)] = os.fsdecode(value)


def _set_handlers(before: Sequence[Any]) -> None:
    for number, handler in zip(_SIGNALS, before, strict=True):
        if handler is not None and _signal.getsignal(number) is not handler:  # None: not Python's
            signal.signal(number, handler)


def _start_method() -> str | None:
    """How multiprocessing starts processes, where it was ever asked; None by default."""
    module = sys.modules.get("multiprocessing")
    return module.get_start_method(allow_none=True) if module is not None else None


def _set_path(before: list[str]) -> None:
    sys.path[:] = before


def _set_of_sys(before: Sequence[Any]) -> None:
    for name, value in zip(_OF_SYS, before, strict=True):
        setattr(sys, name, value)


_SETTINGS = [
    _Setting(_folder, lambda before: None if before is None else os.chdir(before)),
    _Setting(_umask, os.umask),
    _Setting(_environment, _set_environment),
    _Setting(lambda: locale.setlocale(locale.LC_ALL),
             lambda before: locale.setlocale(locale.LC_ALL, before)),
    _Setting(lambda: [_signal.getsignal(number) for number in _SIGNALS], _set_handlers),
    _Setting(sys.getrecursionlimit, sys.setrecursionlimit),
    _Setting(np.get_printoptions, lambda before: np.set_printoptions(**before)),
    _Setting(gc.isenabled, lambda before: gc.enable() if before else gc.disable()),
    _Setting(lambda: list(sys.path), _set_path),
    _Setting(lambda: [getattr(sys, name) for name in _OF_SYS], _set_of_sys),
    _Setting(_start_method, lambda before: sys.modules["multiprocessing"].set_start_method(
        before, force=True)),
]  # fmt: skip
if hasattr(signal, "pthread_sigmask"):
    _SETTINGS.append(
        _Setting(
            lambda: signal.pthread_sigmask(signal.SIG_BLOCK, ()),
            lambda before: signal.pthread_sigmask(signal.SIG_SETMASK, before),
        )
    )
if hasattr(signal, "setitimer"):  # first: no alarm may meet the handler that ends the process
    _SETTINGS.insert(
        0,
        _Setting(
            lambda: signal.getitimer(signal.ITIMER_REAL)[0] > 0,
            lambda before: None if before else signal.setitimer(signal.ITIMER_REAL, 0),
        ),
    )


@contextmanager
def kept() -> Iterator[None]:
    """Put every setting back at the end, whatever came of it."""
    before = [setting.read() for setting in _SETTINGS]
    try:
        yield
    finally:
        for setting, held in zip(_SETTINGS, before, strict=True):
            if setting.read() != held:
                with suppress(OSError, ValueError):  # a folder that is gone, another thread
                    setting.write(held)


@contextmanager
def random_kept() -> Iterator[None]:
    """Lend the global random generators out: their own states come back at the end."""
    before, of_numpy = random.getstate(), _GLOBAL.get_bit_generator()
    _GLOBAL.set_bit_generator(_LENT)
    try:
        yield
    finally:
        random.setstate(before)
        _GLOBAL.set_bit_generator(of_numpy)


def seed_random(words: Sequence[int]) -> None:
    """Seed the global random generators with 64-bit words."""
    random.seed(sum(word << 64 * k for k, word in enumerate(words)))
    _GLOBAL.seed([half for word in words for half in (word & 0xFFFFFFFF, word >> 32)])
