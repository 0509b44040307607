"""From stored parts to totals by block, here or in workers.

The bias-eliminated coverage needs the final mean, and so a second pass over the rows, which
only counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from simstudy.measures import pairs, totals
from simstudy.measures.block import Block
from simstudy.measures.pairs import Pairs
from simstudy.measures.totals import COLUMNS, Totals
from simstudy.moments import Bools, Floats, Ints
from simstudy.runner.pieces import Piece, Unit, Wanted, pieces, stored, units
from simstudy.runner.pool import LOST, parallel
from simstudy.runner.process import settle

_IN_PROCESS = 4_000_000  # rows up to which workers do not pay
_SHARES = 4  # of each worker
T = TypeVar("T", Totals, Pairs)
Found = tuple[Ints, Ints, T]  # group, block and totals of each


class Gathered(NamedTuple):
    """Totals of every method in every scenario: row ``scenario * len(methods) + method``.

    Attributes
    ----------
    totals : Totals
        Zeros where nothing is stored.
    eliminated : array of int, shape (K, A)
        Intervals that hold the mean estimate.
    pairs : (Pairs, array of bool of shape (K,)), or None
        Against the reference method, and which groups are compared with it.
    """

    totals: Totals
    eliminated: Ints
    pairs: tuple[Pairs, Bools] | None


def gather(folder: Path, wanted: Wanted, jobs: int = 1) -> Gathered:
    """Add up what is stored; the digits are the same with any number of `jobs`."""
    todo = units(stored(folder, wanted), wanted)
    n_groups, n_alphas = wanted.n_groups, len(wanted.alphas)
    of_totals: list[Found[Totals]] = []
    of_pairs: list[Found[Pairs]] = []
    for first, second in _spread(_add_up, folder, wanted, todo, jobs):
        of_totals += first
        of_pairs += second
    found = _combined(of_totals, n_groups, lambda n: _nothing(n, wanted.alphas))
    once = [unit for unit in todo if not unit.pair]
    eliminated = np.zeros((n_groups, n_alphas), dtype=np.int64)
    means = found.of_error.means[0]
    for counted in _spread(_count, folder, wanted, once, jobs, means):
        eliminated += counted
    if wanted.reference is None:
        return Gathered(found, eliminated, None)
    compared = np.array([wanted.reference_of(g) is not None for g in range(n_groups)])
    both = _combined(of_pairs, n_groups, lambda n: pairs.nothing(n, n_alphas))
    return Gathered(found, eliminated, (both, compared))


def _spread(
    function: Callable[..., Any],
    folder: Path,
    wanted: Wanted,
    todo: Sequence[Unit],
    jobs: int,
    *more: Any,
) -> list[Any]:
    """Do units here, or among workers where there are rows enough for them."""
    if jobs > 1 and sum(unit.n_rows for unit in todo) > _IN_PROCESS:
        size = -(-len(todo) // (_SHARES * jobs))  # neighbours share parts
        shares = [todo[i : i + size] for i in range(0, len(todo), size)]
        with suppress(*LOST):  # then it takes longer, and is the same
            return list(parallel(jobs, [(function, folder, wanted, s, *more) for s in shares]))
    return [function(folder, wanted, todo, *more)]


def _block(piece: Piece, wanted: Wanted) -> Block:
    truth, null_value = (of.ravel()[piece.groups] for of in (wanted.truth, wanted.null_value))
    limits = False if wanted.limits is None else wanted.limits.ravel()[piece.groups]
    return Block(piece.rows, truth, null_value=null_value, limits=limits)


def _add_up(
    folder: Path, wanted: Wanted, todo: Sequence[Unit]
) -> tuple[list[Found[Totals]], list[Found[Pairs]]]:
    """Totals of each block of rows, and of its pairs with the reference."""
    settle()
    of_totals: list[Found[Totals]] = []
    of_pairs: list[Found[Pairs]] = []
    for piece in pieces(folder, wanted, todo):
        rows, groups = _block(piece, wanted), piece.groups
        if not piece.unit.pair:
            number = np.full(groups.size, piece.block)
            of_totals.append((groups, number, totals.of_ready(rows, wanted.alphas)))
        if piece.unit.against:
            mine, theirs = np.array(piece.unit.against).T
            found = pairs.of_block(rows, mine, theirs, wanted.alphas)
            of_pairs.append((groups[mine], np.full(mine.size, piece.block), found))
    return _joined(of_totals), _joined(of_pairs)


def _joined(found: list[Found[T]]) -> list[Found[T]]:
    """The same as one: thousands of small arrays cost a worker more than adding them up."""
    if not found:
        return []
    group, block = (np.concatenate([piece[k] for piece in found]) for k in (0, 1))
    return [(group, block, totals.concatenate([piece[2] for piece in found]))]


def _count(folder: Path, wanted: Wanted, todo: Sequence[Unit], means: Floats) -> Ints:
    """Intervals of every group that hold its mean."""
    settle()
    out = np.zeros((wanted.n_groups, len(wanted.alphas)), dtype=np.int64)
    for piece in pieces(folder, wanted, todo):
        rows = _block(piece, wanted)
        for k, alpha in enumerate(wanted.alphas):
            out[piece.groups, k] += rows.covers(alpha, means[piece.groups]).sum(axis=1)
    return out


def _combined(given: list[Found[T]], n_groups: int, nothing: Callable[[int], T]) -> T:
    """Totals of every group, its blocks in order."""
    found: list[Any] = list(given)
    there = np.unique(np.concatenate([np.empty(0, np.int64), *(piece[0] for piece in found)]))
    left = np.setdiff1d(np.arange(n_groups), there)
    if left.size or not found:
        found.append((left, np.zeros_like(left), nothing(left.size)))
    group, block = (np.concatenate([piece[k] for piece in found]) for k in (0, 1))
    order = np.lexsort((block, group))
    blocks = totals.concatenate([piece[2] for piece in found])
    found_all: T = totals.combine(totals.take(blocks, order), group[order])
    return found_all


def _nothing(n_groups: int, alphas: tuple[float, ...]) -> Totals:
    none = {name: np.empty((n_groups, 0)) for name in COLUMNS}
    return totals.of_block(none | {"status": np.empty((n_groups, 0), np.int8)}, 0.0, alphas)
