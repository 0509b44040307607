"""Where rows come from: what stored parts and anybody's frames have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from simstudy.measures.block import Block
from simstudy.measures.extremes import Extremes
from simstudy.measures.rows import Rows
from simstudy.measures.totals import Totals
from simstudy.moments import Bools, Floats, Ints


class RowBlock(NamedTuple):
    """Rows of one block in some cells.

    Attributes
    ----------
    cells : array of int, shape (K,)
    number : int
        Of the block; those of a cell are added up in this order, those of one number as they
        come.
    rows : dict of arrays, shape (K, n)
    against : tuple of (int, int)
        Places in `cells` of methods and of the reference with which they are compared.
    pair : bool
        Whether the rows are here for that alone.
    """

    cells: Ints
    number: int
    rows: Rows
    against: tuple[tuple[int, int], ...] = ()
    pair: bool = False


class Source(Protocol):
    """Rows of cells, a method in a scenario each; arrays have a value a cell."""

    @property
    def alphas(self) -> tuple[float, ...]:
        """Levels of the tests."""

    @property
    def compares(self) -> bool:
        """Whether there is a reference method."""

    @property
    def dual(self) -> bool:
        """Whether an interval holds the null value exactly where p >= alpha."""

    @property
    def most(self) -> int:
        """Blocks that are kept until they are added up; 0 is all."""

    @property
    def extremes(self) -> Extremes | None:
        """What looks at the blocks of the second pass."""

    @property
    def n_cells(self) -> int:
        """Cells that there are, all of them once the rows were read."""

    @property
    def truth(self) -> Floats:
        """True value of each cell, NaN where it varies."""

    @property
    def null_value(self) -> Floats:
        """What the tests of each cell are about."""

    @property
    def limits(self) -> Bools:
        """Cells whose intervals are given ones."""

    @property
    def limits_of_pairs(self) -> Bools:
        """Cells of which a pair has an interval that was given."""

    @property
    def compared(self) -> Bools:
        """Cells that are held against the reference."""

    @property
    def lacking(self) -> Mapping[str, Bools]:
        """Of what a measure needs -> cells that have no such thing."""

    def first(self) -> Iterator[RowBlock]:
        """All blocks, those of pairs too."""

    def again(self) -> Iterator[RowBlock]:
        """All blocks but those of pairs."""

    def check(self, totals: Totals) -> None:
        """Refuse totals of which nothing can be said."""

    def rows_of(self, cell: int) -> Rows:
        """All rows of a cell, in order."""

    def shares(self, jobs: int) -> Sequence[Source]:
        """The same rows in shares for `jobs` workers, one where they do not pay."""


def ready(source: Source, block: RowBlock) -> Block:
    """A block's rows, made ready for totals."""
    cells = block.cells
    truth, null_value, limits = source.truth, source.null_value, source.limits
    return Block(block.rows, truth[cells], source.dual, null_value[cells], limits[cells])
