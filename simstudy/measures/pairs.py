"""Methods against a reference method, replication by replication.

Both methods saw the same data, so a difference has a far smaller Monte Carlo error than its two
halves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simstudy.measures import powers
from simstudy.measures.block import Block
from simstudy.measures.powers import Powers
from simstudy.measures.values import NAN, Column, Value, mean_of, plain, ratio
from simstudy.moments import Bools, Ints

# of (t, reference's t, their difference)
_ORDERS = ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (2, 0, 0), (1, 1, 0), (0, 2, 0), (0, 0, 2))
MEASURES = (
    "relative_precision", "difference_bias", "difference_coverage", "difference_rejection_rate",
)  # fmt: skip


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


def of_block(rows: Block, mine: Ints, reference: Ints, alphas: tuple[float, ...]) -> Pairs:
    """Totals of groups `mine` of a block, each against a group of `reference`."""
    there, used, intervals = (
        mask[mine] & mask[reference] for mask in (rows.there, rows.used, rows.has_interval)
    )
    t, other = rows.error[mine], rows.error[reference]

    def alone(hits: list[Bools], both: Bools) -> list[Ints]:
        pairs = [(hit[mine], hit[reference]) for hit in hits]
        first = [(here & ~there & both).sum(axis=1) for here, there in pairs]
        second = [(there & ~here & both).sum(axis=1) for here, there in pairs]
        return [np.stack(counts, axis=1) for counts in (first, second)]

    return Pairs(
        powers.of_rows((t, other, t - other), there, _ORDERS),
        used.sum(axis=1),
        intervals.sum(axis=1),
        *alone([rows.rejected(alpha) for alpha in alphas], used),
        *alone([rows.covered(alpha) for alpha in alphas], intervals),
    )


def nothing(n_groups: int, n_alphas: int) -> Pairs:
    """Totals of no replications."""
    none, levels = np.zeros(n_groups, np.int64), np.zeros((n_groups, n_alphas), np.int64)
    errors = powers.nothing(3, _ORDERS, (n_groups,))
    return Pairs(errors, none, none, levels, levels, levels, levels)


def relative_precision(errors: Powers) -> Value:
    """100 ((EmpSE_ref / EmpSE)^2 - 1), percent (White 2010; rho is that of the pairs)."""
    n, about = errors.n, errors.about
    mine, other, both = about[2, 0, 0], about[0, 2, 0], about[1, 1, 0]
    gain = np.where(n > 1, ratio(other, mine), NAN)
    gain = np.where(gain > 0, gain, NAN)
    rho = ratio(both, np.sqrt(mine) * np.sqrt(other))
    spread = np.maximum(1.0 - rho * rho, 0.0)
    return plain(100.0 * (gain - 1.0), 200.0 * gain * np.sqrt(ratio(spread, n - 1)))


def difference(more: Ints, less: Ints, n: Ints) -> Value:
    """Mean difference of two indicators that differ in `more` and `less` of n rows."""
    mean = ratio(more - less, n)
    return mean_of(mean, np.maximum(more + less - n * mean * mean, 0.0), n)


def finish(pairs: Pairs, alphas: tuple[float, ...], n_all: Ints, there: Bools) -> Iterator[Column]:
    """Measures against the reference, for the groups that are `there` (not itself)."""
    n, tests, intervals = pairs.errors.n, pairs.n_tests, pairs.n_intervals
    some = there & ((tests == 0) | (n > 0))  # p-values alone have no estimates
    with_interval = there & ((tests == 0) | (intervals > 0))
    bias = mean_of(pairs.errors.means[2], pairs.errors.about[0, 0, 2], n)
    for measure, value in zip(MEASURES, (relative_precision(pairs.errors), bias), strict=False):
        yield Column(measure, NAN, value, n, n_all - n, some)
    for k, alpha in enumerate(alphas):
        value = difference(pairs.covers[:, k], pairs.covers_not[:, k], intervals)
        yield Column(MEASURES[2], alpha, value, intervals, n_all - intervals, with_interval)
    for k, alpha in enumerate(alphas):
        value = difference(pairs.rejects[:, k], pairs.rejects_not[:, k], tests)
        yield Column(MEASURES[3], alpha, value, tests, n_all - tests, there)
