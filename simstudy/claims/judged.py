"""A claim as it was judged, and what of the results decided it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa

from simstudy.measures.values import NAN
from simstudy.store import arrow
from simstudy.study.claims import Claim


class Verdict(StrEnum):
    """What results say of a claim."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Cell:
    """What a claim says, of one scenario at one level.

    Attributes
    ----------
    scenario : str
        Its id.
    levels : str
        What tells it apart, in words; empty where the claim is about one scenario.
    alpha : float, optional
    value, mcse : float
        As in the summary; of two methods, the paired difference. NaN is no number.
    low, high : float
        Interval that holds together with those of all other cells of the claim, 95 %.
    n_used, n_not_used : int
        Replications.
    verdict : Verdict
        Where the interval lies.
    reason : str
        Why there is no interval; empty where there is one.
    """

    scenario: str
    levels: str
    alpha: float | None
    value: float
    mcse: float
    low: float
    high: float
    n_used: int
    n_not_used: int
    verdict: Verdict
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A claim and what the results say of it.

    Attributes
    ----------
    claim : Claim
    verdict : Verdict
    reason : str
        Why it is undecided, and what would decide it; empty where it is decided.
    cells : tuple of Cell
    deciding : Cell, optional
        The cell that decides, or that is nearest to it; None where there is none.
    n_reps : int, optional
        Replications of a scenario that would decide, if estimates stay where they are.
    """

    claim: Claim
    verdict: Verdict
    reason: str
    cells: tuple[Cell, ...]
    deciding: Cell | None
    n_reps: int | None = None


def frame(judged: Sequence[Judged]) -> pa.Table:
    """A row a claim, with its deciding cell."""
    cells = [one.deciding for one in judged]

    def of_cells(name: str) -> list[float | None]:
        return [None if cell is None else getattr(cell, name) for cell in cells]

    columns = {
        "claim": arrow.texts([one.claim.text for one in judged]),
        "verdict": arrow.texts([one.verdict for one in judged]),
        "reason": arrow.texts([one.reason or None for one in judged]),
        "scenario": arrow.texts([None if cell is None else cell.scenario for cell in cells]),
    }
    numbers = {"alpha": "alpha", "value": "value", "mcse": "mcse", "ci_low": "low",
               "ci_high": "high", "n_used": "n_used", "n_not_used": "n_not_used"}  # fmt: skip
    columns |= {name: _numbers(of_cells(of)) for name, of in numbers.items()}
    columns["replications"] = _numbers([one.n_reps for one in judged])
    return pa.table(columns)


def _numbers(values: Sequence[float | None]) -> pa.Array:
    """Numbers; None and NaN become null."""
    return arrow.doubles([NAN if value is None else value for value in values])
