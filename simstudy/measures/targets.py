"""Targets of a Monte Carlo SE: which measures may have one, and in which units.

A target is in the units of the summary: a share of a rate (0.005 is half a percentage point),
points of what is in percent (relative_error_model_se).
"""

from __future__ import annotations

from typing import NamedTuple

from simstudy.measures.catalog import MEASURES
from simstudy.measures.names import OF_TRUTH, WORDS, Asked, of_name

_SECOND = {"rows", "mean"}  # needs that no totals of one pass have
MEASURED = tuple(name for name, one in MEASURES.items() if not one.needs & _SECOND)
TARGETS = (*MEASURED, *OF_TRUTH)
MEANT = WORDS | {
    name: f"the Monte Carlo SE of {name} takes a second pass over all rows; it can have no target"
    for name in MEASURES
    if name not in MEASURED
}
MOST_OF_RATE = 0.5  # with a single replication, at a rate of one half


class Target(NamedTuple):
    """A measure and the Monte Carlo SE that is wanted of it."""

    asked: Asked
    mcse: float


def is_rate(name: str) -> bool:
    """Whether a measure is a share of replications."""
    return MEASURES[of_name(name).measure].proportion


def always_reached(name: str, mcse: float) -> str:
    """Why a Monte Carlo SE is no target, since any number of replications has it; or nothing."""
    if not is_rate(name) or mcse < MOST_OF_RATE:
        return ""
    return (
        f"any number of replications has it: a rate is a share, not percent; "
        f"write {mcse / 100:g} for {mcse:g} percentage points"
    )
