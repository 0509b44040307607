"""One solver for every likelihood equation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from simstudy.moments import Floats

Evaluate = Callable[[NDArray[np.intp], Floats], tuple[Floats, Floats]]

_STEPS = 200
_TOLERANCE = 1e-8  # of a Newton step, relative: the error after it is of the order of its square


def upward_roots(evaluate: Evaluate, low: Floats, high: Floats, start: Floats) -> Floats:
    """Solve f(w) = 0 in every bracket by Newton's method, halving where Newton leaves it.

    Each replication is frozen once its own step is small, so its root and the number of
    its steps depend on that replication alone, never on the batch.

    Parameters
    ----------
    evaluate : callable
        (indices, w) -> (f, f') of the replications `indices` at `w`.
    low, high : arrays, shape (R,)
        f < 0 at `low` and f > 0 at `high`.
    start : array, shape (R,)
        First guess; taken only where it lies strictly inside its bracket.

    Returns
    -------
    array, shape (R,)
    """
    root = np.where((start > low) & (start < high), start, 0.5 * (low + high))
    index = np.arange(root.size)
    low, high, w = low.copy(), high.copy(), root.copy()
    for _ in range(_STEPS):
        if not index.size:
            break
        f, slope = evaluate(index, w)
        low, high = np.where(f < 0, w, low), np.where(f > 0, w, high)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = f / slope
        settled = (f == 0) | (np.abs(step) <= _TOLERANCE * w)
        new = np.where(f == 0, w, w - step)
        inside = (new > low) & (new < high)
        new = np.where(settled, np.clip(new, low, high), np.where(inside, new, 0.5 * (low + high)))
        root[index] = new
        if settled.any():
            going = ~settled
            index, w, low, high = index[going], new[going], low[going], high[going]
        else:
            w = new
    return root
