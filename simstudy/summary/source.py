"""Where rows come from: what stored parts and anybody's frames have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from simstudy.measures.block import Block
from simstudy.measures.pairs import Pairs
from simstudy.measures.rows import Rows
from simstudy.measures.totals import Totals
from simstudy.measures.tree import Nodes
from simstudy.moments import Bools, Floats, Ints


class RowBlock(NamedTuple):
    """Rows of one block in some cells.

    Attributes
    ----------
    cells : array of int, shape (K,)
    number : int, or array of int of shape (K,)
        Of the block; a cell has each number once.
    rows : Block
    against : tuple of (int, int)
        Places in `cells` of methods and of the reference with which they are compared.
    pair : bool
        Whether the rows are here for that alone.
    """

    cells: Ints
    number: Ints | int
    rows: Block
    against: tuple[tuple[int, int], ...] = ()
    pair: bool = False


class StoredNodes(NamedTuple):
    """Stored totals of some cells, and of those that are held against the reference their pairs."""

    own: Nodes[Totals]
    pairs: Nodes[Pairs]


class CellFacts(NamedTuple):
    """What is known of all cells; arrays have a value a cell.

    Attributes
    ----------
    truth : array of float
        NaN where it varies.
    null_value : array of float
        What the tests are about.
    limits, limits_of_pairs : arrays of bool
        Cells whose intervals are given ones, and those of which a pair has one.
    lacking : mapping
        Of what a measure needs -> cells that have no such thing.
    compared : array of bool, or None
        Cells that are held against the reference method; None where there is none.
    """

    truth: Floats
    null_value: Floats
    limits: Bools
    limits_of_pairs: Bools
    lacking: Mapping[str, Bools]
    compared: Bools | None


class Source(ABC):
    """Rows of cells, a method in a scenario each.

    Attributes
    ----------
    alphas : tuple of float
        Levels of the tests.
    facts : CellFacts
        Once the first pass is over.
    twice : bool
        Whether there is a second pass, whatever the measures need.
    """

    alphas: tuple[float, ...]
    facts: CellFacts
    twice: bool = False

    @abstractmethod
    def first(self) -> Iterator[RowBlock]:
        """All blocks, those of pairs too."""

    @abstractmethod
    def again(self) -> Iterator[RowBlock]:
        """All blocks but those of pairs."""

    @abstractmethod
    def rows_of(self, cell: int) -> Rows:
        """All rows of a cell, in order; for measures that have no totals."""

    def stored(self) -> Iterator[StoredNodes]:
        """Totals that are stored instead of rows."""
        return iter(())

    def check(self, totals: Totals) -> None:  # noqa: B027  a source may have nothing to refuse
        """Refuse totals of which nothing can be said."""

    def shares(self, jobs: int) -> Sequence[Source]:
        """The same rows in shares for `jobs` workers, one where they do not pay."""
        return [self]
