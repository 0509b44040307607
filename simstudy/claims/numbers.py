"""Numbers of the cells of a claim, their intervals, and what would make these shorter."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import scipy.special

from simstudy.measures.catalog import record_of
from simstudy.measures.simultaneous import LEVEL, simultaneous
from simstudy.moments import Bools, Floats, Ints
from simstudy.study.claim_grammar import Range

_MOST = 1e12  # replications beyond which none will do
_STEPS = 24  # of a bisection of their logarithm: good to six digits


@dataclass(frozen=True, slots=True)
class Numbers:
    """A measure of K cells, or its difference between two methods.

    Attributes
    ----------
    measure : str
    paired : bool
        Whether it is a difference, data set by data set.
    alpha : array, shape (K,)
        NaN where the measure has none.
    value, mcse : arrays, shape (K,)
        NaN is no number.
    n_used : array, shape (K,)
        Replications that they are of.
    n_free : array, shape (K,)
        Independent numbers behind each Monte Carlo SE.
    """

    measure: str
    paired: bool
    alpha: Floats
    value: Floats
    mcse: Floats
    n_used: Floats
    n_free: Floats

    def take(self, cells: Ints) -> Numbers:
        """Those of some cells."""
        arrays = {one.name: getattr(self, one.name)[cells] for one in fields(self)[2:]}
        return replace(self, **arrays)

    def with_times(self, factor: Floats) -> Numbers:
        """The same with so many times the replications, if every number stays where it is."""
        n_used, n_free = np.rint(self.n_used * factor), self.n_free * factor
        return replace(self, mcse=self.mcse / np.sqrt(factor), n_used=n_used, n_free=n_free)

    def intervals(self, family: int) -> tuple[Floats, Floats]:
        """Intervals of which `family` hold together; a Monte Carlo SE of 0 makes no rate certain.

        Rates are exact; a paired difference of rates is as in `_of_indicators`; all else is
        normal, with the quantiles of t.
        """
        record = record_of(self.measure)
        scale = self.alpha if record.over_alpha else np.ones_like(self.value)
        value, mcse, n = self.value * scale, self.mcse * scale, self.n_used
        if record.of_indicators or (self.paired and (record.proportion or record.over_alpha)):
            low, high = _of_indicators(value, mcse, n, family)
        elif record.proportion or record.over_alpha:
            low, high = simultaneous(value, mcse, n, proportion=True, family=family)
        else:
            low, high = simultaneous(value, mcse, self.n_free, proportion=False, family=family)
        return low / scale, high / scale


def _of_indicators(value: Floats, mcse: Floats, n: Floats, family: int) -> tuple[Floats, Floats]:
    """Interval of a mean difference of two indicators, from the n of each sign that there are.

    Bonett and Price (2012, J. Educ. Behav. Stat. 37:479-488) add one difference of either sign
    to the n, which at 95 % is nearly z^2 / 4; at other levels it is that here. Where no two
    methods ever differ the interval is as long as that of a share of 0.
    """
    z = -scipy.special.ndtri((1.0 - LEVEL) / family / 2.0)
    differing = mcse * mcse * n * (n - 1.0) + n * value * value
    more = z * z / 4.0
    total = n + 2.0 * more
    centre = n * value / total
    spread = np.maximum(differing + 2.0 * more - total * centre * centre, 0.0)
    half = z * np.sqrt(spread) / total
    return np.maximum(centre - half, -1.0), np.minimum(centre + half, 1.0)


def replications(numbers: Numbers, bounds: Range, family: int, *, first: bool) -> tuple[int, float]:
    """Which cell is the first, or the last, with an interval on one side of every bound.

    And with how many used replications, if values stay where they are; infinite where no number
    would do, as on a bound. Cells that are known not to be that one are not looked at further.
    """
    n, places = np.maximum(numbers.n_used, 1.0), np.arange(numbers.value.size)
    high = _MOST / n
    with np.errstate(invalid="ignore", over="ignore"):
        never = ~_is_decided(numbers.with_times(high), bounds, family)
        if never.all() if first else never.any():
            return int(np.argmax(never)), np.inf
        low, keep = np.ones_like(high), ~never
        for _ in range(_STEPS):
            numbers, places, n, low, high = (
                numbers.take(np.flatnonzero(keep)), places[keep], n[keep], low[keep], high[keep]
            )  # fmt: skip
            middle = np.sqrt(low * high)
            decided = _is_decided(numbers.with_times(middle), bounds, family)
            low, high = np.where(decided, low, middle), np.where(decided, middle, high)
            keep = low * n <= (high * n).min() if first else high * n >= (low * n).max()
    needed = np.ceil(high * n)
    best = int(np.argmin(needed) if first else np.argmax(needed))
    return int(places[best]), float(needed[best])


def _is_decided(numbers: Numbers, bounds: Range, family: int) -> Bools:
    interval = numbers.intervals(family)
    return np.asarray(bounds.holds(*interval) | bounds.misses(*interval))
