"""Anybody's rows as a source, batch after batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from simstudy.errors import UserError, nearest
from simstudy.estimates import STATUSES
from simstudy.measures.extremes import Extremes
from simstudy.measures.rows import Rows
from simstudy.measures.totals import Totals
from simstudy.moments import Array, Bools, Floats, Ints
from simstudy.readers.table import Table
from simstudy.summary.groups import Groups
from simstudy.summary.rectangles import ROWS, rectangles
from simstudy.summary.repeats import repeating, separating
from simstudy.summary.source import RowBlock

_BLOCKS = 2048  # that are kept until they are added up


class FrameRows:
    """Rows of a table, in groups; a `Source`.

    Parameters
    ----------
    opened : Table
    groups : Groups
        Numbered as they are met: all are known after the first pass.
    alphas : tuple of float
    reference : str, optional
        Method with which the others are compared.
    keep : bool
        Whether all rows are needed again at once; those of pairs are anyway.
    warn : callable
        Told, in a line, of columns that seem to be forgotten groups.
    """

    dual = False

    def __init__(
        self,
        opened: Table,
        groups: Groups,
        alphas: tuple[float, ...],
        reference: str | None,
        keep: bool,
        warn: Callable[[str], None],
    ) -> None:
        self._opened, self._groups, self._warn = opened, groups, warn
        self._reference, self._keep = reference, keep or reference is not None
        self._kept: dict[int, list[Rows]] = {}
        self.alphas, self.compares, self.most = alphas, reference is not None, _BLOCKS
        self.extremes: Extremes = Extremes()

    @property
    def n_cells(self) -> int:
        """Groups that were met so far."""
        return len(self._groups.keys)

    @property
    def truth(self) -> Floats:
        """True value of each group."""
        return self._groups.truth

    @property
    def null_value(self) -> Floats:
        """What the tests of each group are about."""
        return np.full(self.n_cells, self._groups.null_value)

    @property
    def limits(self) -> Bools:
        """Whether intervals were given."""
        return np.full(self.n_cells, "ci_low" in self._groups.roles.numbers)

    limits_of_pairs = limits

    @property
    def lacking(self) -> Mapping[str, Bools]:
        """A test needs a p-value or a standard error."""
        tested = {"std_error", "p_value"} & self._groups.roles.numbers.keys()
        return {} if tested else {"tests": np.ones(self.n_cells, dtype=bool)}

    @property
    def compared(self) -> Bools:
        """Groups whose reference has rows, itself not among them."""
        return np.array([self._other(key) is not None for key in self._named], dtype=bool)

    def shares(self, jobs: int) -> Sequence[FrameRows]:
        """All of it: batches are read one after another."""
        return [self]

    def first(self) -> Iterator[RowBlock]:
        """All blocks; what is wrong with the rows as a whole is said at their end."""
        groups = self._groups
        groups.note_truth(self._opened.batches(groups.roles.columns))
        for group, rows in self._every():
            if self._keep:
                self._add(group, rows)
            if groups.replications is not None:
                groups.replications.add(group, rows["replication"])
            yield from _blocks(group, rows)
        if not groups.keys:
            raise UserError("no rows", file=self._opened.file)
        groups.refuse_copies(lambda: separating(self._opened, groups))
        if forgotten := [] if groups.roles.by else repeating(self._opened, groups):
            words = ", ".join(f"'{name}'" for name in forgotten)
            self._warn(f"{words}: levels that repeat within each method are summarised as one; "
                       f"by {' '.join(forgotten)} they are kept apart")  # fmt: skip
        if self._reference is not None:
            yield from self._pairs(self._reference)

    def again(self) -> Iterator[RowBlock]:
        """All blocks but those of pairs."""
        for group, rows in self._every():
            yield from _blocks(group, rows)

    def check(self, totals: Totals) -> None:
        """Refuse fits of which none converged: the column may say the opposite."""
        failed = totals.by_status[:, STATUSES.index("failed")]
        if self._groups.roles.converged and (failed == totals.n_all).all():
            names = ", ".join(f"'{name}'" for name in self._groups.roles.converged)
            message = f"column {names}: no row says that it converged (0 and false say that it did"
            raise UserError(f"{message} not)", file=self._opened.file)

    def rows_of(self, cell: int) -> Rows:
        """All rows of a group, in order."""
        kept = self._kept[cell]
        if len(kept) > 1:
            kept[:] = [{name: np.concatenate([rows[name] for rows in kept]) for name in kept[0]}]
        return kept[0]

    def _every(self) -> Iterator[tuple[Ints, Rows]]:
        return self._groups.every(self._opened.batches(self._groups.roles.columns))

    def _add(self, group: Ints, rows: Rows) -> None:
        """Keep rows by their group."""
        order = np.argsort(group, kind="stable")
        there, starts = np.unique(group[order], return_index=True)
        for g, index in zip(there.tolist(), np.split(order, starts[1:]), strict=True):
            self._kept.setdefault(g, []).append({k: values[index] for k, values in rows.items()})

    @property
    def _named(self) -> dict[tuple[object, ...], int]:
        """Groups by their levels and the method's name as text."""
        return {(*key[:-1], str(key[-1])): g for key, g in self._groups.keys.items()}

    def _other(self, key: tuple[object, ...]) -> int | None:
        """Group of the reference at the same levels."""
        return None if key[-1] == self._reference else self._named.get((*key[:-1], self._reference))

    def _pairs(self, reference: str) -> Iterator[RowBlock]:
        """Blocks of every group beside the reference at the same levels."""
        file, named = self._opened.file, self._named
        methods = list(dict.fromkeys(str(key[-1]) for key in named))
        if reference not in methods:
            raise UserError(f"no method '{reference}'{nearest(reference, methods)}", file=file)
        for key, g in named.items():
            other = self._other(key)
            if other is None:
                continue
            rows = _aligned(self.rows_of(g), self.rows_of(other), str(key[-1]), reference, file)
            for start in range(0, rows["status"].shape[1], ROWS):
                here = {name: values[:, start : start + ROWS] for name, values in rows.items()}
                yield RowBlock(np.array([g, other]), 0, here, ((0, 1),), True)


def _blocks(group: Ints, rows: Rows) -> Iterator[RowBlock]:
    """Blocks of a batch of rows."""
    measured = {name: values for name, values in rows.items() if name != "replication"}
    for cells, block in rectangles(group, measured):
        yield RowBlock(cells, 0, block)


def _aligned(
    mine: dict[str, Array], other: dict[str, Array], name: str, reference: str, file: str
) -> dict[str, Array]:
    """Rows of the same replications of two methods, shape (2, n)."""
    n, m = mine["status"].size, other["status"].size
    first, second = np.arange(n), np.arange(m)
    if "replication" in mine:
        ids = mine["replication"], other["replication"]
        _, first, second = np.intersect1d(*ids, assume_unique=True, return_indices=True)
    elif n != m:
        message = f"'{name}' has {n} rows in a group and '{reference}' {m}"
        raise UserError(f"{message}; say which column numbers the replications", file=file)
    names = [column for column in mine if column != "replication"]
    return {k: np.stack([mine[k][first], other[k][second]]) for k in names}
