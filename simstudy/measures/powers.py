"""Sums of powers about means, block by block, that add up.

Never raw powers, which cancel (Chan, Golub & LeVeque 1983; Pebay 2008). An order is an
exponent a variable: with variables (t, v), order (2, 1) is sum (t - tbar)^2 (v - vbar).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from simstudy.moments import Bools, Floats, Ints

Order = tuple[int, ...]

# an interval with a df far below 1 may be 1e150 wide: its square is inf, and gives no number
_BEYOND = np.errstate(over="ignore", invalid="ignore")


@dataclass(frozen=True, slots=True)
class Powers:
    """Powers of some variables about their means in K blocks.

    Attributes
    ----------
    means : tuple of arrays, shape (K,) or (K, A)
        One a variable; 0 where there are no rows.
    about : dict
        Order -> array of the same shape; order 0 is the number of rows. With an order all
        lower ones are there.
    """

    means: tuple[Floats, ...]
    about: dict[Order, Floats]

    @property
    def n(self) -> Ints:
        """Number of rows."""
        return self.about[(0,) * len(self.means)].astype(np.int64)


@_BEYOND
def centre(values: Floats, there: Bools, n: Floats) -> tuple[Floats, Floats]:
    """Means over the rows that are `there`, and values less them (0 elsewhere); (K, n)."""
    if there.all():
        mean = values.sum(axis=1) / np.maximum(n, 1.0)
        return mean, values - mean[:, None]
    mean = np.where(there, values, 0.0).sum(axis=1) / np.maximum(n, 1.0)
    return mean, np.where(there, values - mean[:, None], 0.0)


def of_rows(values: Sequence[Floats], there: Bools, orders: Sequence[Order]) -> Powers:
    """Powers of variables, each of shape (K, n), over the rows that are `there`."""
    n = there.sum(axis=1).astype(float)
    means, centred = zip(*(centre(variable, there, n) for variable in values), strict=True)
    return Powers(tuple(means), of_centred(centred, n, orders))


@_BEYOND
def of_centred(
    centred: Sequence[Floats], n: Floats, orders: Sequence[Order]
) -> dict[Order, Floats]:
    """Sums of products of centred variables; `orders` ascending, so that each extends one."""
    made: dict[Order, Floats] = {}
    about: dict[Order, Floats] = {}
    for order in orders:
        if not any(order):
            about[order] = n
            continue
        last = max(k for k, exponent in enumerate(order) if exponent)
        before = (*order[:last], order[last] - 1, *order[last + 1 :])
        made[order] = made[before] * centred[last] if any(before) else centred[last]
        about[order] = made[order].sum(axis=1)
    return about


def nothing(n_variables: int, orders: Sequence[Order], shape: tuple[int, ...]) -> Powers:
    """Powers of no rows."""
    none = np.zeros(shape)
    return Powers((none,) * n_variables, dict.fromkeys(orders, none))


def stack(pieces: Sequence[Powers]) -> Powers:
    """Powers of shape (K,) as columns of (K, A)."""
    return each(lambda *arrays: np.stack(arrays, axis=1), pieces)


def each(function: Any, pieces: Sequence[Powers]) -> Powers:
    """The same function of every array."""
    means = (function(*arrays) for arrays in zip(*(p.means for p in pieces), strict=True))
    about = {order: function(*(p.about[order] for p in pieces)) for order in pieces[0].about}
    return Powers(tuple(means), about)


@_BEYOND
def merge(some: Powers, others: Powers) -> Powers:
    """Powers of the rows of both, row by row: each is moved to the common mean and added.

    Only differences of means enter, by the binomial theorem; where one has no rows, the other
    keeps its mean to the bit.
    """
    zero = (0,) * len(some.means)
    share = others.about[zero] / np.maximum(some.about[zero] + others.about[zero], 1.0)
    apart = [other - one for one, other in zip(some.means, others.means, strict=True)]
    moves = [share * step for step in apart]
    means = tuple(one + move for one, move in zip(some.means, moves, strict=True))
    down = _moved(some, [-move for move in moves])
    up = _moved(others, [step - move for step, move in zip(apart, moves, strict=True)])
    return Powers(means, {order: down[order] + up[order] for order in some.about})


def _moved(powers: Powers, moves: Sequence[Floats]) -> dict[Order, Floats]:
    """Powers about a point from which the means are that far away; of no rows still none."""
    n = powers.about[(0,) * len(moves)]
    moves = [np.where(n > 0, move, 0.0) for move in moves]
    about = {}
    for order in powers.about:
        moved: Any = 0.0
        for below in product(*(range(exponent + 1) for exponent in order)):
            term = powers.about[tuple(p - i for p, i in zip(order, below, strict=True))]
            for exponent, i, move in zip(order, below, moves, strict=True):
                if i:
                    term = term * (math.comb(exponent, i) * move**i)
            moved = moved + term
        about[order] = moved
    return about
