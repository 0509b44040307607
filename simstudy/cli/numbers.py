"""Numbers as they are given on the command line."""

from __future__ import annotations

from argparse import ArgumentTypeError
from functools import partial


def whole(text: str, least: int = 0) -> int:
    """Read a whole number."""
    value = int(text) if text.isdecimal() else -1
    if value < least:
        raise ArgumentTypeError(f"{text!r} is not a whole number from {least} up")
    return value


jobs = partial(whole, least=1)


def replications(text: str) -> int:
    """Read a number of replications, which may be written 1e6."""
    value = _number(text)
    if not 1 <= value <= 1e12 or value != int(value):
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(value)


def positive(text: str) -> float:
    """Read a number above 0."""
    value = _number(text)
    if not 0 < value < float("inf"):
        raise ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
