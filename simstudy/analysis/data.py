"""Three columns of a data set as cluster moments."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simstudy.analysis.formula import Formula
from simstudy.errors import UserError
from simstudy.moments import Clusters, Floats, Ints, Units
from simstudy.numerics.reduce import reduce
from simstudy.readers.labels import clusters
from simstudy.readers.read import read as read_table

if TYPE_CHECKING:
    import pandas as pd


_ORDINARY = 64  # between 2^-64 and 2^64 every product that a fit forms is a number


@dataclass(frozen=True)
class DataSet:
    """A real data set, complete cases only, sorted by cluster.

    Attributes
    ----------
    formula : Formula
    labels : list
        Of the clusters, sorted.
    sizes : array of int, shape (J,)
    x, y : arrays, shape (N,)
    n_dropped : int
        Units with a missing value.
    missing : dict
        Column -> rows in which it is missing, in words: "4 ('NA' 3, empty 1)".
    words : tuple of str
        What 0 and 1 of a predictor of two words stand for; empty for numbers.
    """

    formula: Formula
    labels: list[Any]
    sizes: Ints
    x: Floats
    y: Floats
    n_dropped: int
    missing: dict[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()

    @property
    def coding(self) -> str:
        """What 0 and 1 of a predictor of words stand for, in words; empty for numbers."""
        return "{} is 0, {} is 1".format(*self.words) if self.words else ""

    @property
    def n_obs(self) -> int:
        """Number of units."""
        return int(self.x.size)

    @property
    def origin(self) -> tuple[float, float]:
        """Point inside the data from which sums are taken: their means, or a constant x."""
        return _inside(self.x), _inside(self.y)

    @cached_property
    def moments(self) -> Clusters:
        """Cluster moments about the origin, one replication, so that nothing cancels."""
        return replace(reduce(self.rows(self.origin)), origin=self.origin)

    @cached_property
    def means(self) -> tuple[Floats, Floats]:
        """Cluster means of x and y, shape (J,)."""
        shape, moments = (len(self.labels), 1), self.moments
        x, y = (origin + np.broadcast_to(means, shape)[:, 0] for origin, means in
                zip(moments.origin, (moments.mean_x, moments.mean_y), strict=True))  # fmt: skip
        return x, y

    @cached_property
    def units(self) -> tuple[int, int]:
        """Powers of two to measure x and y in, so that no fourth power overflows or vanishes."""
        return _exponent(self.x), _exponent(self.y)

    def measured(self, units: tuple[int, int]) -> DataSet:
        """The same data in other units; powers of two, so that no digit changes."""
        if units == (0, 0):
            return self
        x, y = (np.ldexp(v, -k) for v, k in zip((self.x, self.y), units, strict=True))
        return replace(self, x=x, y=y)

    @cached_property
    def scaled(self) -> DataSet:
        """The same data in `units`."""
        return self.measured(self.units)

    def rows(self, origin: tuple[float, float] = (0.0, 0.0)) -> Units:
        """The units about a point, as one replication."""
        sizes = self.sizes.reshape(-1, 1)
        x, y = self.x - origin[0], self.y - origin[1]
        if np.all(sizes == sizes[0]):
            x, y = (v.reshape(sizes.size, -1).T[:, :, None] for v in (x, y))
        return Units(sizes, (x, y))


def _exponent(values: Floats) -> int:
    """0 for what people measure; else that of the largest value."""
    exponent = int(np.frexp(np.abs(values).max())[1])
    return exponent if abs(exponent) > _ORDINARY else 0


def _inside(values: Floats) -> float:
    with np.errstate(all="ignore"):
        return float(np.clip(values.mean(), values.min(), values.max()))


def read(data: str | Path | pd.DataFrame, formula: Formula) -> DataSet:
    """Take the formula's columns from a file or a DataFrame.

    Units with a missing value in any of the three are dropped and counted.
    """
    table = read_table(data)
    rows, file = table.whole(formula), table.file
    y = rows.numbers(formula.outcome)
    x, words = rows.predictor(formula.predictor)
    codes, labels, lost = clusters(rows.labels(formula.cluster), own_order=True)
    complete = ~(np.isnan(x) | np.isnan(y)) & (codes >= 0)
    if not complete.any():
        raise UserError(_incomplete(formula, y, x, codes), file=file)
    if not (np.isfinite(x[complete]).all() and np.isfinite(y[complete]).all()):
        raise UserError("infinite values in the outcome or the predictor", file=file)
    numbers = np.unique(codes[complete])
    order = np.flatnonzero(complete)[np.argsort(codes[complete], kind="stable")]
    sizes = np.bincount(codes[complete])[numbers].astype(np.int64)
    names = [labels[k] for k in numbers]
    missing = {name: f"{int(np.isnan(values).sum()):,}"
               for name, values in ((formula.outcome, y), (formula.predictor, x))
               if np.isnan(values).any()}  # fmt: skip
    if lost:
        missing[formula.cluster] = _counted(lost)
    n_dropped = int((~complete).sum())
    return DataSet(formula, names, sizes, x[order], y[order], n_dropped, missing, words)


def _counted(words: dict[str, int]) -> str:
    """How many labels are missing, and by which words."""
    each = ", ".join(f"'{word}' {n:,}" if word else f"empty {n:,}" for word, n in words.items())
    return f"{sum(words.values()):,} ({each})"


def _incomplete(formula: Formula, y: Floats, x: Floats, codes: Ints) -> str:
    """Why no row is complete: it may be one column that is empty."""
    missing = zip(formula, (np.isnan(y), np.isnan(x), codes < 0), strict=True)
    if y.size == 0:
        return "no rows"
    empty = [f"'{name}'" for name, lost in missing if lost.all()]
    plural = "columns" if len(empty) > 1 else "column"
    return f"{plural} {' and '.join(empty)}: no value is there" if empty else "no row is complete"
