"""What is said of a user's code that was tried."""

from __future__ import annotations

from typing import NamedTuple

from simstudy.errors import brief
from simstudy.estimates import Failure


class Verdict(NamedTuple):
    """One thing that was tried: right (True), wrong (False) or only said (None)."""

    right: bool | None
    what: str


def in_brief(failure: Failure) -> str:
    """A failure in one line: its message, and where in the user's file it came from."""
    place = [line.strip() for line in failure.traceback.splitlines() if ", line " in line]
    return brief(failure.message) + (f" ({place[-1]})" if place else "")
