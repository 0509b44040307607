"""The true value of each group, or that each of its rows has one."""

from __future__ import annotations

import numpy as np

from simstudy.estimands import one_of
from simstudy.moments import Bools, Floats, Ints


class Truths:
    """Ranges of the true values of groups, batch after batch."""

    def __init__(self) -> None:
        self._used, self._any = _nothing(0), _nothing(0)

    def add(self, group: Ints, truth: Floats, used: Bools) -> None:
        """Note the rows of a batch; those that are not used count where a group has no others."""
        more = int(group.max(initial=-1)) + 1 - self._any.shape[1]
        if more > 0:
            self._used, self._any = (
                np.concatenate([found, _nothing(more)], axis=1) for found in (self._used, self._any)
            )
        for found, mask in ((self._used, used), (self._any, np.isfinite(truth))):
            np.minimum.at(found[0], group[mask], truth[mask])
            np.maximum.at(found[1], group[mask], truth[mask])

    @property
    def of_groups(self) -> Floats:
        """True value of every group; NaN where its rows have several, or none."""
        low, high = np.where(np.isfinite(self._used), self._used, self._any)
        known = np.isfinite(low)
        low, high = (np.where(known, ends, 0.0) for ends in (low, high))
        return np.where(known, one_of(low, high), np.nan)


def _nothing(n_groups: int) -> Floats:
    return np.array([[np.inf], [-np.inf]]) * np.ones(n_groups)
