"""Methods against a reference method, replication by replication.

Both methods saw the same data, so a difference has a far smaller Monte Carlo error than its two
halves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simstudy.measures import powers
from simstudy.measures.block import Block
from simstudy.measures.powers import Powers
from simstudy.moments import Bools, Ints

# of (t, reference's t, their difference)
_ORDERS = ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (2, 0, 0), (1, 1, 0), (0, 2, 0), (0, 0, 2))


@dataclass(frozen=True, slots=True)
class Pairs:
    """Totals of K blocks or groups over the replications that both methods have.

    Attributes
    ----------
    errors : Powers
        Of (t, reference's t, difference) where both have an estimate.
    n_tests, n_intervals : arrays of int, shape (K,)
        Replications used by both, and those in which both have an interval.
    rejects, rejects_not, covers, covers_not : arrays of int, shape (K, A)
        How often the method alone does and the reference does not, and the reverse.
    """

    errors: Powers
    n_tests: Ints
    n_intervals: Ints
    rejects: Ints
    rejects_not: Ints
    covers: Ints
    covers_not: Ints


def of_block(rows: Block, own: Ints, reference: Ints, alphas: tuple[float, ...]) -> Pairs:
    """Totals of groups `own` of a block, each against a group of `reference`."""
    estimated, used, intervals = (
        mask[own] & mask[reference] for mask in (rows.there, rows.used, rows.has_interval)
    )
    t, other = rows.error[own], rows.error[reference]

    def alone(hits: list[Bools], both: Bools) -> list[Ints]:
        pairs = [(hit[own], hit[reference]) for hit in hits]
        first = [(hit & ~other & both).sum(axis=1) for hit, other in pairs]
        second = [(other & ~hit & both).sum(axis=1) for hit, other in pairs]
        return [np.stack(counts, axis=1) for counts in (first, second)]

    return Pairs(
        powers.of_rows((t, other, t - other), estimated, _ORDERS),
        used.sum(axis=1),
        intervals.sum(axis=1),
        *alone([rows.rejected(alpha) for alpha in alphas], used),
        *alone([rows.covered(alpha) for alpha in alphas], intervals),
    )
