"""A claim as it was judged, and what of the results decided it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

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
