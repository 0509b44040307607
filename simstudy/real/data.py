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

    def moments(self, *, about_origin: bool) -> Clusters:
        """Cluster moments, one replication; means about the origin, or as they are.

        Everything is summed about the origin either way, so that nothing cancels.
        """
        x0, y0 = self.origin
        x, y = self.x - x0, self.y - y0
        sizes = self.sizes.reshape(-1, 1)
        if np.all(sizes == sizes[0]):
            x, y = (v.reshape(sizes.size, -1).T[:, :, None] for v in (x, y))
        found = reduce(Rows(sizes, x, y))
        if about_origin:
            return found
        return Clusters(sizes, found.mean_x + x0, found.mean_y + y0, found.within)


def _inside(values: Floats) -> float:
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
    codes, labels = frames.group_by(frames.column(table, formula.cluster, file))
    complete = ~(np.isnan(x) | np.isnan(y)) & (codes >= 0)
    if not complete.any():
        raise UserError("no row is complete", file=file)
    if not (np.isfinite(x[complete]).all() and np.isfinite(y[complete]).all()):
        raise UserError("infinite values in the outcome or the predictor", file=file)
    there = np.unique(codes[complete])
    order = np.flatnonzero(complete)[np.argsort(codes[complete], kind="stable")]
    sizes = np.bincount(codes[complete])[there].astype(np.int64)
    names = [labels[k] for k in there]
    return DataSet(formula, names, sizes, x[order], y[order], int((~complete).sum()))


def _table(data: Any, formula: Formula) -> tuple[Any, str]:
    if isinstance(data, str | Path):
        return frames.read_table(data), str(data)
    import pyarrow as pa

    wanted = [name for name in formula if name in getattr(data, "columns", ())]
    try:
        return pa.Table.from_pandas(data[wanted], preserve_index=False), "data"
    except (pa.ArrowException, TypeError, AttributeError, KeyError) as error:
        raise UserError(f"cannot be read as a data frame: {error}", file="data") from None
