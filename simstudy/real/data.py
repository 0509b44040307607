"""Room 5: three columns of a data set as cluster moments. Imports frames, numerics, errors."""

from __future__ import annotations

from dataclasses import dataclass
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
    words : tuple of str
        What 0 and 1 of a predictor of two words stand for; empty for numbers.
    """

    formula: Formula
    labels: list[Any]
    sizes: Ints
    x: Floats
    y: Floats
    n_dropped: int
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

    def moments(self) -> Clusters:
        """Cluster moments about the origin, one replication, so that nothing cancels."""
        with np.errstate(all="ignore"):  # values beyond 1e150 overflow; then no fit is `ok`
            return reduce(self.rows(self.origin))

    def rows(self, origin: tuple[float, float] = (0.0, 0.0)) -> Rows:
        """The units about a point, as one replication."""
        sizes = self.sizes.reshape(-1, 1)
        x, y = self.x - origin[0], self.y - origin[1]
        if np.all(sizes == sizes[0]):
            x, y = (v.reshape(sizes.size, -1).T[:, :, None] for v in (x, y))
        return Rows(sizes, x, y)


def _inside(values: Floats) -> float:
    with np.errstate(all="ignore"):
        return float(np.clip(values.mean(), values.min(), values.max()))


def read(data: str | Path | pd.DataFrame, formula: Formula) -> DataSet:
    """Take the formula's columns from a file or a DataFrame.

    Rows with a missing value in any of the three are dropped and counted.
    """
    table, file = _table(data, formula)
    y = frames.numbers(frames.column(table, formula.outcome, file), formula.outcome, file)
    name = formula.predictor
    x, words = frames.predictor(frames.column(table, name, file), name, file)
    codes, labels = frames.group_by(
        frames.column(table, formula.cluster, file), formula.cluster, file
    )
    complete = ~(np.isnan(x) | np.isnan(y)) & (codes >= 0)
    if not complete.any():
        what = "no rows" if complete.size == 0 else "no row is complete"
        raise UserError(what, file=file)
    if not (np.isfinite(x[complete]).all() and np.isfinite(y[complete]).all()):
        raise UserError("infinite values in the outcome or the predictor", file=file)
    there = np.unique(codes[complete])
    order = np.flatnonzero(complete)[np.argsort(codes[complete], kind="stable")]
    sizes = np.bincount(codes[complete])[there].astype(np.int64)
    names = [labels[k] for k in there]
    return DataSet(formula, names, sizes, x[order], y[order], int((~complete).sum()), words)


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
