"""Room 5: three columns of a data set as cluster moments. Imports frames, numerics, errors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simstudy import frames
from simstudy.errors import UserError
from simstudy.moments import Clusters, Floats, Ints, Rows
from simstudy.numerics.reduce import reduce
from simstudy.real.formula import Formula

if TYPE_CHECKING:
    import pandas as pd


_ORDINARY = 64  # between 2^-64 and 2^64 every product that a fit forms is a number


@dataclass(frozen=True, slots=True)
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
        Rows with a missing value.
    """

    formula: Formula
    labels: list[Any]
    sizes: Ints
    x: Floats
    y: Floats
    n_dropped: int

    @property
    def n_obs(self) -> int:
        """Number of units."""
        return int(self.x.size)

    @property
    def origin(self) -> tuple[float, float]:
        """Point inside the data from which sums are taken: their means, or a constant x."""
        return _inside(self.x), _inside(self.y)

    def moments(self) -> Clusters:
        """Cluster moments about the origin, one replication, so that nothing cancels."""
        return reduce(self.rows(self.origin))

    @property
    def units(self) -> tuple[int, int]:
        """Powers of two to measure x and y in, so that no fourth power overflows or vanishes."""
        return _exponent(self.x), _exponent(self.y)

    def measured(self, units: tuple[int, int]) -> DataSet:
        """The same data in other units; powers of two, so that no digit changes."""
        if units == (0, 0):
            return self
        x, y = (np.ldexp(v, -k) for v, k in zip((self.x, self.y), units, strict=True))
        return replace(self, x=x, y=y)

    def rows(self, origin: tuple[float, float] = (0.0, 0.0)) -> Rows:
        """The units about a point, as one replication."""
        sizes = self.sizes.reshape(-1, 1)
        x, y = self.x - origin[0], self.y - origin[1]
        if np.all(sizes == sizes[0]):
            x, y = (v.reshape(sizes.size, -1).T[:, :, None] for v in (x, y))
        return Rows(sizes, x, y)


def _exponent(values: Floats) -> int:
    """0 for what people measure; else that of the largest value."""
    exponent = int(np.frexp(np.abs(values).max())[1])
    return exponent if abs(exponent) > _ORDINARY else 0


def _inside(values: Floats) -> float:
    with np.errstate(all="ignore"):
        return float(np.clip(values.mean(), values.min(), values.max()))


def read(data: str | Path | pd.DataFrame, formula: Formula) -> DataSet:
    """Take the formula's columns from a file or a DataFrame.

    Rows with a missing value in any of the three are dropped and counted.
    """
    table, file = _table(data, formula)
    y, x = (
        frames.numbers(frames.column(table, name, file), name, file)
        for name in (formula.outcome, formula.predictor)
    )
    codes, labels = frames.group_by(
        frames.column(table, formula.cluster, file), formula.cluster, file
    )
    complete = ~(np.isnan(x) | np.isnan(y)) & (codes >= 0)
    if not complete.any():
        raise UserError(_incomplete(formula, y, x, codes), file=file)
    if not (np.isfinite(x[complete]).all() and np.isfinite(y[complete]).all()):
        raise UserError("infinite values in the outcome or the predictor", file=file)
    there = np.unique(codes[complete])
    order = np.flatnonzero(complete)[np.argsort(codes[complete], kind="stable")]
    sizes = np.bincount(codes[complete])[there].astype(np.int64)
    names = [labels[k] for k in there]
    return DataSet(formula, names, sizes, x[order], y[order], int((~complete).sum()))


def _incomplete(formula: Formula, y: Floats, x: Floats, codes: Ints) -> str:
    """Why no row is complete: it may be one column that is empty."""
    missing = zip(formula, (np.isnan(y), np.isnan(x), codes < 0), strict=True)
    if y.size == 0:
        return "no rows"
    empty = [f"'{name}'" for name, lost in missing if lost.all()]
    plural = "columns" if len(empty) > 1 else "column"
    return f"{plural} {' and '.join(empty)}: no value is there" if empty else "no row is complete"


def _table(data: Any, formula: Formula) -> tuple[Any, str]:
    if isinstance(data, str | Path):
        labels = {formula.cluster} - {formula.outcome, formula.predictor}
        return frames.read_table(data, labels), str(data)
    import pyarrow as pa

    there = list(getattr(data, "columns", ()))
    wanted = [name for name in formula if name in there]
    for name in wanted:
        if there.count(name) > 1:
            raise UserError(f"two columns are called '{name}'", file="data")
    try:
        return pa.Table.from_pandas(data[wanted], preserve_index=False), "data"
    except (pa.ArrowException, TypeError, AttributeError, KeyError) as error:
        raise UserError(f"cannot be read as a data frame: {error}", file="data") from None
