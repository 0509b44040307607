"""What was not used, and why, in a few words.

What could not be estimated leaves a gap that says so; what failed, or was used in part, looks
like any other point, and so a note names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from simstudy.report.figures.frame import Frame
from simstudy.report.figures.used import Used
from simstudy.report.wide import ABSENT

NO_RESULT = "no result"
_MOST = 3  # methods that a note names
_UNBROKEN = "\N{NO-BREAK SPACE}"


class _Share(NamedTuple):
    """What was used of one method's replications, in all and where least was."""

    label: str
    used: int
    of: int
    least: int
    each: int


def absence(table: Frame, scenarios: list[int], m: int) -> str:
    """Why a method has no number in some scenarios."""
    if table.not_asked[scenarios, m].all():
        return ABSENT
    used, unused = (n[scenarios, m].sum() for n in (table.n_used, table.n_not_used))
    if table.failed[scenarios, m].any() and not used:
        return NO_RESULT
    return "not estimable" if unused and not used else "no number"


def no_method(table: Frame) -> str:
    """Why a panel is empty."""
    if not table.methods:
        return "no method has a test"
    return "no method has a result" if table.failed.any() else "no method is estimable"


def why_empty(rows: Used) -> str:
    """Why a method has no interval to draw."""
    if rows.estimate.size or rows.n_no_se:
        return "no standard error"
    if not rows.n_all:
        return "no rows are stored"
    return NO_RESULT if rows.n_failed else "not estimable"


def not_used(table: Frame) -> list[str]:
    """A note on methods with replications that were not used; none where there are none.

    Scenarios in which nothing failed and nothing is estimable are not counted.
    """
    each = int((table.n_used + table.n_not_used).max(initial=0))
    shares = []
    for m, label in enumerate(table.methods):
        used = table.n_used[(table.n_used[:, m] > 0) | table.failed[:, m], m]
        if used.size:
            shares.append(_Share(label, int(used.sum()), each * used.size, int(used.min()), each))
    return _note(shares, several=len(table.levels) > 1)


def not_used_of(rows: Mapping[str, Used]) -> list[str]:
    """The same of the rows of one scenario."""
    each = max((mine.n_all for mine in rows.values()), default=0)
    shares = [
        _Share(label, mine.estimate.size, each, mine.estimate.size, each)
        for label, mine in rows.items()
        if mine.estimate.size or mine.n_failed or mine.n_all < each
    ]
    return _note(shares, several=False)


def _note(shares: list[_Share], *, several: bool) -> list[str]:
    lost = [share for share in shares if share.used < share.of]
    named = [f"{share.label} " + _number(share, several=several) for share in lost[:_MOST]]
    more = len(lost) - _MOST
    text = ", ".join(named) + (f" and {more} more" if more > 0 else "")
    return [f"Not all replications used: {text}"] if lost else []


def _number(share: _Share, *, several: bool) -> str:
    """How much was used, in a piece that is not broken."""
    text = _percent(share.used, share.of)
    if share.used:
        text += f" ({'least ' if several else ''}{share.least:,} of {share.each:,})"
    return text.replace(" ", _UNBROKEN)


def _percent(used: int, of: int) -> str:
    """A share in whole percent, 0 and 100 where it is that exactly."""
    whole = round(100 * used / of)
    if 0 < used < of and whole in (0, 100):
        return "under 1 %" if whole == 0 else "over 99 %"
    return f"{whole} %"
