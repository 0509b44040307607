"""What was not used, and why, in a few words.

What could not be estimated leaves a gap that says so; what failed, or was used in part, looks
like any other point, and so a note names it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simstudy.errors import first_of
from simstudy.moments import Bools, Ints
from simstudy.report.drawing.matrix import Matrix
from simstudy.report.drawing.rows import Sample
from simstudy.report.pivot import ABSENT

_MOST = 3  # methods that a note names
_UNBROKEN = "\N{NO-BREAK SPACE}"


def absence(matrix: Matrix, scenarios: list[int], m: int) -> str:
    """Why a method has no number in some scenarios."""
    cells = matrix.cells[scenarios, m]
    if not cells["asked"].any():
        return ABSENT
    used, unused = cells["n_used"].sum(), cells["n_not_used"].sum()
    if cells["failed"].any() and not used:
        return "no result"
    return "not estimable" if unused and not used else "no number"


def no_method(matrix: Matrix) -> str:
    """Why a panel is empty."""
    if not matrix.methods:
        return "no method has a test"
    return "no method has a result" if matrix.cells["failed"].any() else "no method is estimable"


def not_used(matrix: Matrix) -> str:
    """A note on methods with replications that were not used, empty where there are none.

    Scenarios in which nothing failed and nothing is estimable are not counted.
    """
    used = matrix.cells["n_used"]
    each = int((used + matrix.cells["n_not_used"]).max(initial=0))
    return _note(matrix.methods, used, (used > 0) | matrix.cells["failed"], each)


def not_used_of(sample: Sample) -> str:
    """The same of the rows of one scenario."""
    methods = sample.methods.values()
    each = max((rows.n_all for rows in methods), default=0)
    used = np.array([[rows.estimate.size for rows in methods]], dtype=np.int64)
    counted = [[rows.count("failed") > 0 or rows.n_all < each for rows in methods]]
    return _note(list(sample.methods), used, (used > 0) | np.array(counted, dtype=bool), each)


def _note(labels: Sequence[str], used: Ints, counted: Bools, each: int) -> str:
    """Methods of which less was used than `each` in every scenario that is counted."""
    parts = [used[counted[:, m], m] for m in range(len(labels))]
    lost = [
        f"{label} {_share(part, each, several=len(used) > 1)}"
        for label, part in zip(labels, parts, strict=True)
        if part.sum() < each * part.size
    ]
    return f"Not all replications used: {first_of(lost, _MOST)}" if lost else ""


def _share(used: Ints, each: int, *, several: bool) -> str:
    """How much was used, in all and where least was, in a piece that is not broken."""
    total = int(used.sum())
    whole = round(100 * total / (each * used.size))
    text = f"{whole} %"
    if total and whole in (0, 100):  # it is not exactly that
        text = "under 1 %" if whole == 0 else "over 99 %"
    if total:
        text += f" ({'least ' if several else ''}{used.min():,} of {each:,})"
    return text.replace(" ", _UNBROKEN)
