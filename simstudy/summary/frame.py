"""Anybody's rows as a source, batch after batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from simstudy.errors import UserError, nearest
from simstudy.estimates import STATUSES
from simstudy.measures.block import Block
from simstudy.measures.extremes import Extremes
from simstudy.measures.rows import Rows
from simstudy.measures.totals import Totals
from simstudy.moments import Array, Ints
from simstudy.summary.groups import Groups
from simstudy.summary.rectangles import ROWS, rectangles
from simstudy.summary.repeats import repeating, separating
from simstudy.summary.source import CellFacts, RowBlock, Source


class FrameRows(Source):
    """Rows of a table, in groups.

    Parameters
    ----------
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

    twice = True

    def __init__(
        self,
        groups: Groups,
        alphas: tuple[float, ...],
        reference: str | None,
        keep: bool,
        warn: Callable[[str], None],
    ) -> None:
        self._groups, self._warn = groups, warn
        self._reference, self._keep = reference, keep or reference is not None
        self._kept: dict[int, list[Rows]] = {}
        self.alphas = alphas
        self.extremes = Extremes()
        self._seen = np.zeros(0, dtype=np.int64)  # blocks of each group

    def first(self) -> Iterator[RowBlock]:
        """All blocks; what is wrong with the rows as a whole is said at their end."""
        groups = self._groups
        groups.note_truth()
        for group, rows in groups.every():
            if self._keep:
                self._add(group, rows)
            if groups.replications is not None:
                groups.replications.add(group, rows["replication"])
            yield from self._blocks(group, rows)
        if not groups.keys:
            raise UserError("no rows", file=groups.opened.file)
        groups.refuse_copies(lambda: separating(groups))
        if forgotten := [] if groups.roles.by else repeating(groups):
            words = ", ".join(f"'{name}'" for name in forgotten)
            self._warn(f"{words}: levels that repeat within each method are summarised as one; "
                       f"by {' '.join(forgotten)} they are kept apart")  # fmt: skip
        self.facts = self._facts()
        if self._reference is not None:
            yield from self._pairs(self._reference)

    def _facts(self) -> CellFacts:
        groups, n = self._groups, len(self._groups.keys)
        limits = np.full(n, "ci_low" in groups.roles.numbers)
        tested = {"std_error", "p_value"} & groups.roles.numbers.keys()  # a test needs one of them
        lacking = {} if tested else {"tests": np.ones(n, dtype=bool)}
        compared = None
        if self._reference is not None:
            compared = np.array([self._other(key) is not None for key in self._named], dtype=bool)
        null_value = np.full(n, groups.null_value)
        return CellFacts(groups.truth, null_value, limits, limits, lacking, compared)

    def again(self) -> Iterator[RowBlock]:
        """All blocks but those of pairs."""
        for group, rows in self._groups.every():
            yield from self._blocks(group, rows, self.extremes)

    def check(self, totals: Totals) -> None:
        """Refuse fits of which none converged: the column may say the opposite."""
        failed = totals.by_status[:, STATUSES.index("failed")]
        if self._groups.roles.converged and (failed == totals.n_all).all():
            names = ", ".join(f"'{name}'" for name in self._groups.roles.converged)
            message = f"column {names}: no row says that it converged (0 and false say that it did"
            raise UserError(f"{message} not)", file=self._groups.opened.file)

    def rows_of(self, cell: int) -> Rows:
        """All rows of a group, in order."""
        kept = self._kept[cell]
        if len(kept) > 1:
            kept[:] = [{name: np.concatenate([rows[name] for rows in kept]) for name in kept[0]}]
        return kept[0]

    def _add(self, group: Ints, rows: Rows) -> None:
        """Keep rows by their group."""
        order = np.argsort(group, kind="stable")
        groups, starts = np.unique(group[order], return_index=True)
        for g, index in zip(groups.tolist(), np.split(order, starts[1:]), strict=True):
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
        file, named = self._groups.opened.file, self._named
        methods = list(dict.fromkeys(str(key[-1]) for key in named))
        if reference not in methods:
            raise UserError(f"no method '{reference}'{nearest(reference, methods)}", file=file)
        for key, g in named.items():
            other = self._other(key)
            if other is None:
                continue
            rows = _aligned(self.rows_of(g), self.rows_of(other), str(key[-1]), reference, file)
            for start in range(0, rows["status"].shape[1], ROWS):
                part = {name: values[:, start : start + ROWS] for name, values in rows.items()}
                cells = np.array([g, other])
                yield RowBlock(cells, start // ROWS, self._block(cells, part), ((0, 1),), True)

    def _blocks(
        self, group: Ints, rows: Rows, extremes: Extremes | None = None
    ) -> Iterator[RowBlock]:
        """Blocks of a batch of rows; `extremes` sees them."""
        measured = {name: values for name, values in rows.items() if name != "replication"}
        for cells, columns in rectangles(group, measured):
            block = self._block(cells, columns)
            if extremes is not None:
                extremes.see(cells, columns, block)
            yield RowBlock(cells, self._numbers(cells), block)

    def _numbers(self, cells: Ints) -> Ints:
        """Numbers of blocks, those of a cell in the order in which they come."""
        more = int(cells.max()) + 1 - self._seen.size
        if more > 0:
            self._seen = np.concatenate([self._seen, np.zeros(more, dtype=np.int64)])
        order = np.argsort(cells, kind="stable")
        place = np.arange(cells.size)
        before = np.searchsorted(cells[order], cells[order])
        number = np.empty_like(place)
        number[order] = self._seen[cells[order]] + place - before
        np.add.at(self._seen, cells, 1)
        return number

    def _block(self, cells: Ints, columns: Rows) -> Block:
        limits = "ci_low" in self._groups.roles.numbers
        truth = self._groups.truth[cells]
        return Block(columns, truth, False, self._groups.null_value, limits)


def _aligned(
    own: dict[str, Array], other: dict[str, Array], name: str, reference: str, file: str
) -> dict[str, Array]:
    """Rows of the same replications of two methods, shape (2, n)."""
    n, m = own["status"].size, other["status"].size
    first, second = np.arange(n), np.arange(m)
    if "replication" in own:
        ids = own["replication"], other["replication"]
        _, first, second = np.intersect1d(*ids, assume_unique=True, return_indices=True)
    elif n != m:
        message = f"'{name}' has {n} rows in a group and '{reference}' {m}"
        raise UserError(f"{message}; say which column numbers the replications", file=file)
    names = [column for column in own if column != "replication"]
    return {k: np.stack([own[k][first], other[k][second]]) for k in names}
