"""Sums over replications that add up, block by block.

Every measure is finished from these totals, so a summary of stored rows and one of stored
totals of their blocks are the same digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np

from simstudy.estimates import RANKS, STATUSES, USED
from simstudy.measures import powers
from simstudy.measures.block import COLUMNS, Block
from simstudy.measures.powers import Powers
from simstudy.moments import Array, Floats, Ints

__all__ = ["COLUMNS", "Totals", "concatenate", "merge", "of_block", "of_ready", "take"]

# of (t, v): estimate less truth, squared standard error; p + 2 q <= 4, lower ones first
ORDERS = tuple((p, q) for p in range(5) for q in range(3) if p + 2 * q <= 4)
# of (t, v, c, r), c the critical value and r whether it rejects: what the covariances of
# t, (t - tbar)^2, v, c and r need beside those of (t, v)
TEST_ORDERS = (
    (0, 0, 0, 0), (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1), (2, 0, 0, 0),
    (1, 0, 1, 0), (2, 0, 1, 0), (0, 1, 1, 0), (0, 0, 2, 0),
    (1, 0, 0, 1), (2, 0, 0, 1), (0, 1, 0, 1), (0, 0, 1, 1), (0, 0, 0, 2),
)  # fmt: skip
OF_ONE = ((0,), (1,), (2,))  # of a width, a standard error or a relative error
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Totals:
    """Totals of K blocks, or of K methods in scenarios; K is the first axis of all arrays.

    Attributes
    ----------
    by_status : array of int, shape (K, S)
        Replications by status, in the order of `STATUSES`.
    by_rank : array of int, shape (K, 3)
        Replications by the rank of a covariance matrix, where they have one.
    of_error, of_estimate : Powers
        Of (t, v) over the replications with an estimate; q = 0 alone is to be read. t is the
        error; of the second, where the truth varies, the estimate itself.
    relative : Powers
        Of t over the truth, over the same where the truth varies; else no rows.
    with_se : Powers
        Of (t, v), t as in `of_estimate`, over those among them that have a standard error: of
        a method that gives a p-value and no standard error there are none.
    of_se : Powers
        Of the standard errors that there are.
    tests : Powers, arrays (K, A)
        Of (t, v, c, r) over the same, for each alpha, where the null is true; else no rows.
    width : Powers, arrays (K, A)
        Of the width of the intervals that there are.
    rejected, covered : arrays of int, shape (K, A)
        Used replications that reject the null, and intervals that hold the truth, for each alpha.
    """

    by_status: Ints
    by_rank: Ints
    of_error: Powers
    of_estimate: Powers
    relative: Powers
    with_se: Powers
    of_se: Powers
    tests: Powers
    width: Powers
    rejected: Ints
    covered: Ints

    @property
    def n_used(self) -> Ints:
        """Used replications (ok or boundary), shape (K,)."""
        return np.asarray(self.by_status[:, :USED].sum(axis=1))

    @property
    def n_all(self) -> Ints:
        """All replications, shape (K,)."""
        return np.asarray(self.by_status.sum(axis=1))


def of_block(
    columns: dict[str, Array],
    truth: Floats | float,
    alphas: tuple[float, ...],
    null_value: Floats | float = 0.0,
) -> Totals:
    """Totals of one block of rows in each of K groups; parameters as of `Block`."""
    return of_ready(Block(columns, truth, null_value=null_value), alphas)


def of_ready(rows: Block, alphas: tuple[float, ...]) -> Totals:
    """Totals of a `Block`, for each of `alphas`."""
    status, t, v = rows.status, rows.deviation, rows.std_error * rows.std_error
    n = rows.has_se.sum(axis=1).astype(float)
    means, centred = zip(*(powers.centre(x, rows.has_se, n) for x in (t, v)), strict=True)
    with_se = Powers(tuple(means), powers.of_centred(centred, n, ORDERS))
    of_estimate = with_se
    if bool((rows.there != rows.has_se).any()):
        of_estimate = powers.of_rows((t, np.zeros_like(t)), rows.there, ORDERS)
    of_error, relative = of_estimate, powers.nothing(1, OF_ONE, (len(n),))
    if rows.varies.any():
        of_error = powers.of_rows((rows.error, np.zeros_like(t)), rows.there, ORDERS)
        there = rows.there & rows.varies[:, None]
        relative = powers.of_rows([rows.relative_error], there, OF_ONE)
    rejected = [rows.rejected(alpha) for alpha in alphas]
    covered = [rows.covered(alpha) for alpha in alphas]
    widths = [powers.of_rows([rows.width(alpha)], rows.has_interval, OF_ONE) for alpha in alphas]
    return Totals(
        by_status=np.stack([(status == k).sum(axis=1) for k in range(len(STATUSES))], axis=1),
        by_rank=np.stack([_count(rows.rank, rank, len(n)) for rank in RANKS], axis=1),
        of_error=of_error,
        of_estimate=of_estimate,
        relative=relative,
        with_se=with_se,
        of_se=powers.of_rows([rows.std_error], rows.has_se, OF_ONE),
        tests=_tests(rows, with_se.means, centred, n, alphas),
        width=powers.stack(widths),
        rejected=np.stack([hits.sum(axis=1) for hits in rejected], axis=1),
        covered=np.stack([hits.sum(axis=1) for hits in covered], axis=1),
    )


def _count(values: Floats | None, value: int, n_groups: int) -> Ints:
    """Rows of each group with a value."""
    if values is None:
        return np.zeros(n_groups, dtype=np.int64)
    return np.asarray((values == value).sum(axis=1))


def _tests(
    rows: Block,
    means: tuple[Floats, ...],
    centred: tuple[Floats, ...],
    n: Floats,
    alphas: tuple[float, ...],
) -> Powers:
    """Powers of (t, v, c, r) where the null is true; `means` and `centred` are of (t, v)."""
    shape = len(n), len(alphas)
    if not (rows.null.any() and n.any()):
        return powers.nothing(4, TEST_ORDERS, shape)
    here = np.flatnonzero(rows.null)
    there, n_here = rows.has_se[here], n[here]
    found = []
    for alpha in alphas:
        critical, hit = rows.critical(alpha)[here], rows.rejected(alpha)[here]
        more = [powers.centre(np.broadcast_to(x, there.shape), there, n_here)
                for x in (critical, hit)]  # fmt: skip
        every = (*(x[here] for x in centred), *(x for _, x in more))
        about = powers.of_centred(every, n_here, TEST_ORDERS)
        found.append(Powers((*(x[here] for x in means), *(m for m, _ in more)), about))

    def spread(values: Floats) -> Floats:
        out = np.zeros(shape)
        out[here] = values
        return out

    return powers.each(spread, [powers.stack(found)])


def concatenate(pieces: list[T]) -> T:
    """Blocks of several totals, one after another."""
    return _each(lambda *arrays: np.concatenate(arrays), pieces)


def take(totals: T, index: Ints) -> T:
    """Rows `index` of totals."""
    return _each(lambda array: array[index], [totals])


def _each(function: Any, pieces: list[T]) -> T:
    """The same function of every array."""

    def of_powers(found: list[Powers]) -> Powers:
        return powers.each(function, found)

    return _fields(pieces, of_powers, lambda arrays: function(*arrays))


def merge(some: T, others: T) -> T:
    """Add up totals row by row."""
    return _fields([some, others], lambda two: powers.merge(*two), lambda two: two[0] + two[1])


def length(totals: Any) -> int:
    """Number of rows of totals."""
    first = getattr(totals, fields(totals)[-1].name)
    return len(first)


def _fields(
    pieces: list[T],
    of_powers: Callable[[list[Powers]], Powers],
    of_arrays: Callable[[list[Array]], Array],
) -> T:
    """The same kind made of functions of each field; what was one object stays one."""
    made: dict[tuple[int, ...], Any] = {}
    out = {}
    for field in fields(pieces[0]):  # type: ignore[arg-type]
        values: list[Any] = [getattr(piece, field.name) for piece in pieces]
        key = tuple(map(id, values))
        if key not in made:
            made[key] = (of_powers if isinstance(values[0], Powers) else of_arrays)(values)
        out[field.name] = made[key]
    return type(pieces[0])(**out)
