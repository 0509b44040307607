"""A measure as one record, made by a decorator, and the cells that it is a number of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import numpy as np

from simstudy.estimands import is_null
from simstudy.measures.decomposition import decompose
from simstudy.measures.pairs import Pairs
from simstudy.measures.totals import Totals
from simstudy.measures.values import NAN, Column, Value
from simstudy.moments import Bools, Floats, Ints

F = TypeVar("F", bound=Callable[..., Any])
RATE = r"$\sqrt{\hat p(1-\hat p)/n}$"  # the Monte Carlo SE of a proportion
REGISTRY: dict[str, Measure] = {}


class Section(IntEnum):
    """Where measures stand in a summary; those of `TESTS` level by level."""

    ESTIMATES, STD_ERRORS, INTERVALS, TESTS, PAIRS, SHARES, ROWS, OWN = range(8)


@dataclass(frozen=True)
class Cells:
    """What the measures of K cells, methods in scenarios, are made from.

    Parameters
    ----------
    totals : Totals
        A row a cell.
    alphas : tuple of float
        As given when the totals were made.
    truth : array, shape (K,), or float
        True values, NaN where they vary.
    mcse : {"robust", "normal"}
    eliminated : array of int, shape (K, A), optional
        Intervals that hold the mean estimate, for bias-eliminated coverage.
    pairs : (Pairs, array of bool of shape (K,)), optional
        Totals against the reference method, and which cells have them.
    null_value : array, shape (K,), or float
    """

    totals: Totals
    alphas: tuple[float, ...]
    truth: Floats | float
    mcse: str = "robust"
    eliminated: Ints | None = None
    pairs: tuple[Pairs, Bools] | None = None
    null_value: Floats | float = 0.0

    @cached_property
    def level(self) -> Floats:
        """True value of each cell."""
        return np.broadcast_to(np.asarray(self.truth, dtype=float), self.totals.n_all.shape)

    @cached_property
    def null(self) -> Bools:
        """Where the null hypothesis is true."""
        return np.asarray(is_null(self.level, self.null_value))

    @cached_property
    def type1_parts(self) -> list[tuple[Value, Value, Value]]:
        """What a Type I error is made of, for each of `alphas`."""
        return [decompose(self.totals, k, alpha) for k, alpha in enumerate(self.alphas)]

    @property
    def both(self) -> Pairs:
        """Totals against the reference method."""
        assert self.pairs is not None
        return self.pairs[0]

    def lacks(self, needs: frozenset[str]) -> bool:
        """Whether totals were not made that a measure needs."""
        return ("pairs" in needs and self.pairs is None) or (
            "mean" in needs and self.eliminated is None
        )


class Basis(NamedTuple):
    """Replications of which a measure is made.

    Attributes
    ----------
    number : callable, optional
        (cells, index of alpha) -> how many there are, shape (K,); None where they are counted as
        they are read.
    needs : frozenset of str
        What they must have: std_error, interval, tests, pairs; rows where they are needed all
        at once.
    empty : bool
        Whether a measure has a row where there are none although there are tests.
    """

    number: Callable[[Cells, int], Ints] | None
    needs: frozenset[str] = frozenset()
    empty: bool = False

    def there(self, cells: Cells, n: Ints) -> Bools:
        """Cells with a row of a measure of n replications: not where p-values are all there is."""
        pairs = "pairs" in self.needs
        n_used = cells.both.n_tests if pairs else cells.totals.n_used
        there = (n_used == 0) | (n > 0) | self.empty
        return np.asarray(there & cells.pairs[1] if cells.pairs and pairs else there)


ESTIMATED = Basis(lambda cells, k: cells.totals.of_error.n)
WITH_SE = Basis(lambda cells, k: cells.totals.with_se.n, frozenset({"std_error"}))
WITH_INTERVAL = Basis(lambda cells, k: cells.totals.width.n[:, k], frozenset({"interval"}))
TESTED = Basis(lambda cells, k: cells.totals.n_used, frozenset({"tests"}), True)
ALL = Basis(lambda cells, k: cells.totals.n_all, empty=True)
PAIRED = Basis(lambda cells, k: cells.both.errors.n, frozenset({"pairs"}))
PAIRED_INTERVALS = Basis(lambda cells, k: cells.both.n_intervals, frozenset({"pairs", "interval"}))
PAIRED_TESTS = Basis(lambda cells, k: cells.both.n_tests, frozenset({"pairs", "tests"}), True)


@dataclass(frozen=True, slots=True)
class Measure:
    """A performance measure.

    Attributes
    ----------
    name : str
        As in a summary.
    value : callable
        Cells -> `Value`, (cells, index of alpha) -> `Value` where it is `per_alpha`; with
        `rows` among its needs (rows of a cell, truth) -> `Answer`.
    section : Section
    basis : Basis
    title : str
        What tables call it.
    heading : str
        What figures call it, where the title is short for something.
    words, formula, mcse : str
        In the methods section: its name, and the formulas of its value and Monte Carlo SE.
    decimals : int
        That tables like.
    per_alpha : bool
    proportion, over_alpha : bool
        Whether it is a proportion of its replications, .05 in tables, or one over alpha.
    of_indicators : bool
        Whether it is the mean difference of two things that are or are not.
    more_needs : frozenset of str
        Besides those of its basis; `mean`: of the estimates, known only after a first pass.
    where_null : bool
        Whether it exists where the null hypothesis is true only.
    defined : callable, optional
        (cells, value, n) -> where else it exists.
    forecast : bool
        Whether a pilot can say its Monte Carlo SE, which falls as ``1 / sqrt(n)``.
    brief : bool
        Whether it is among the few that are printed where none is asked for.
    synonyms : tuple of str
        Other words for it, in small letters with ``_``.
    """

    name: str
    value: Callable[..., Any]
    section: Section
    basis: Basis
    title: str
    words: str = ""
    heading: str = ""
    formula: str = ""
    mcse: str = ""
    decimals: int = 3
    per_alpha: bool = False
    proportion: bool = False
    over_alpha: bool = False
    of_indicators: bool = False
    more_needs: frozenset[str] = frozenset()
    where_null: bool = False
    defined: Callable[[Cells, Value, Ints], Bools] | None = None
    forecast: bool = True
    brief: bool = False
    synonyms: tuple[str, ...] = ()

    @property
    def needs(self) -> frozenset[str]:
        """Of std_error, interval, tests, pairs, mean and rows what it needs."""
        return self.basis.needs | self.more_needs

    def columns(self, cells: Cells) -> Iterator[Column]:
        """The measure of every cell, at each alpha; none where its totals were not made."""
        if cells.lacks(self.needs):
            return
        for k, alpha in enumerate(cells.alphas if self.per_alpha else (NAN,)):
            assert self.basis.number is not None  # measures of rows are made elsewhere
            n = self.basis.number(cells, k)
            value = self.value(cells, k) if self.per_alpha else self.value(cells)
            there = self.basis.there(cells, n)
            there = there & cells.null if self.where_null else there
            there = there if self.defined is None else there & self.defined(cells, value, n)
            yield Column(self.name, alpha, value, n, cells.totals.n_all - n, there)


def register(record: Measure) -> None:
    """Add a built-in measure, at the end of its section."""
    REGISTRY[record.name] = record


def measure(section: Section, basis: Basis, title: str, **more: Any) -> Callable[[F], F]:
    """Register a function as the built-in measure of its name; keywords as of `Measure`."""

    def declare(function: F) -> F:
        register(Measure(function.__name__, function, section, basis, title, **more))
        return function

    return declare
