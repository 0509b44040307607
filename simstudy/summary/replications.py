"""Which rows belong to one data set."""

from __future__ import annotations

from typing import Any

import numpy as np

from simstudy.errors import UserError
from simstudy.moments import Ints
from simstudy.store import arrow

_WHOLE = r"^(?:0|-?[1-9][0-9]{0,16})$"
_FAR = 1 << 60  # beyond the numbers that are their own


class Replications:
    """Numbers the labels of replications, and keeps which of them each group has.

    Consecutive numbers are kept as runs, so that long files in any usual order need no memory.

    Parameters
    ----------
    column : str
        What the labels' column is called.
    file : str
    """

    def __init__(self, column: str, file: str) -> None:
        self.column = column
        self.file = file
        self._codes: dict[Any, int] = {}
        self._runs: list[Ints] = []

    def numbers(self, labels: Any) -> Ints:
        """A number a row: whole numbers are their own, others are numbered as they come."""
        import pyarrow as pa

        if labels.null_count:
            raise UserError(f"column '{self.column}': a replication is missing", file=self.file)
        if pa.types.is_integer(labels.type):
            return np.asarray(labels.to_numpy()).astype(np.int64)
        if pa.types.is_string(labels.type):
            return self._written(labels)
        return self._coded(labels)

    def _written(self, labels: Any) -> Ints:
        """Whole numbers as one writes them are their own; other words are numbered beyond."""
        import pyarrow as pa
        import pyarrow.compute as pc

        whole = pc.match_substring_regex(labels, _WHOLE)
        own = pc.if_else(whole, labels, "0").cast(pa.int64()).to_numpy()
        if pc.all(whole).as_py():
            return np.asarray(own)
        return np.where(whole.to_numpy(), own, self._coded(labels))

    def _coded(self, labels: Any) -> Ints:
        words, index = arrow.levels_of(labels)
        codes = [self._codes.setdefault(word, _FAR + len(self._codes)) for word in words]
        return np.array(codes, dtype=np.int64)[index]

    def add(self, group: Ints, numbers: Ints) -> None:
        """Keep the replications of a batch of rows."""
        order = np.lexsort((numbers, group))
        g, number = group[order], numbers[order]
        begins = np.ones(g.size, dtype=bool)
        begins[1:] = (np.diff(g) != 0) | (np.diff(number) != 1)
        first = np.flatnonzero(begins)
        last = np.append(first[1:], g.size) - 1
        self._runs.append(np.stack([g[first], number[first], number[last]]))

    def twice(self) -> tuple[int, Any] | None:
        """A group and the label of a replication that it has twice; None where there is none."""
        if not self._runs:
            return None
        runs = np.concatenate(self._runs, axis=1)
        g, first, last = runs[:, np.lexsort((runs[1], runs[0]))]
        again = np.flatnonzero((np.diff(g) == 0) & (first[1:] <= last[:-1]))
        if not again.size:
            return None
        number = int(first[again[0] + 1])
        words = {code: word for word, code in self._codes.items()}
        return int(g[again[0]]), words.get(number, number)
