"""Replications cut out of moments, and moments put side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from simstudy.moments import Array, Clusters, Factor, Moments, Pooled, Units
from simstudy.numerics.segments import Segments

M = TypeVar("M", bound=Moments)


def cut(moments: M, first: int, last: int) -> M:
    """Replications first..last-1 (from 0); what all replications share stays as it is."""
    return _each(lambda arrays: cut_array(arrays[0], first, last), [moments])


def cut_array(values: Array, first: int, last: int) -> Array:
    """Entries first..last-1 of the last axis, or all where it is shared by replications."""
    return values if values.shape[-1] == 1 else values[..., first:last]


def read_only(moments: M) -> M:
    """The same moments as arrays that cannot be changed."""

    def view(arrays: list[Array]) -> Array:
        seen = arrays[0].view()
        seen.flags.writeable = False
        return seen

    return _each(view, [moments])


def reps_of(rows: Units | Moments) -> int:
    """Number of replications R; without any unit it is as `sizes` has it."""
    if not isinstance(rows, Units):
        return rows.n_reps
    shared = rows.sizes.shape[1] == 1 and rows.y.size > 0
    return rows.y.size // int(rows.sizes.sum()) if shared else int(rows.sizes.shape[1])


def cut_rows(rows: Units, first: int, last: int) -> Units:
    """Replications first..last-1 (from 0) of units."""
    n_reps = reps_of(rows)
    cells = Segments(rows.sizes, n_reps)
    if cells.equal:
        return replace(rows, columns=tuple(column[..., first:last] for column in rows.columns))
    index = np.arange(n_reps)
    keep = cells.spread((first <= index) & (index < last))
    sizes = cut_array(rows.sizes, first, last) if n_reps > 1 else rows.sizes
    left = Segments(sizes, last - first)  # by chance, of a replication alone, equal
    return replace(rows, sizes=sizes, columns=tuple(left.layout(c[keep]) for c in rows.columns))


def cut_data(data: Clusters | Units, first: int, last: int) -> Clusters | Units:
    """Replications first..last-1 (from 0) of units or of moments."""
    if isinstance(data, Units):
        return cut_rows(data, first, last)
    return cut(data, first, last)


def units(rows: Units) -> tuple[Array, ...]:
    """Cluster (from 1) and the columns of every unit of a lone replication, each shape (N,)."""
    sizes = rows.sizes[:, 0]
    cluster = np.repeat(np.arange(1, sizes.size + 1), sizes)
    if rows.y.ndim == 1:
        return cluster, *rows.columns
    return cluster, *(column[:, :, 0].T.ravel() for column in rows.columns)


def join(batches: Sequence[M], spans: Sequence[tuple[int, int]] | None = None) -> M:
    """Put batches of one shape side by side; what is shared by replications stays so.

    Parameters
    ----------
    batches : sequence of Pooled, or of Clusters
    spans : sequence of (first, last), optional
        Replications first..last-1 of each; all by default.
    """
    if len(batches) == 1 and spans is None:
        return batches[0]
    several = any(_width(batch) > 1 for batch in batches)

    def beside(arrays: list[Array]) -> Array:
        if several and all(array.shape[-1] == 1 for array in arrays):
            return arrays[0]
        if spans is not None:
            arrays = [a[..., i:k] for a, (i, k) in zip(arrays, spans, strict=True)]
        return np.concatenate(arrays, axis=-1)

    return _each(beside, batches)


def _width(moments: Moments) -> int:
    inner = moments.within.r if isinstance(moments, Pooled) else moments.mean_y
    return int(inner.shape[-1])


def _each(function: Callable[[list[Array]], Array], batches: Sequence[M]) -> Any:
    """The same function of every array that the batches are made of."""

    def factor(name: str) -> Factor:
        rows = zip(*(getattr(batch, name).rows for batch in batches), strict=True)
        return Factor(tuple(
            tuple(function(list(arrays)) for arrays in zip(*row, strict=True)) for row in rows
        ))  # fmt: skip

    def array(name: str) -> Array:
        return function([getattr(batch, name) for batch in batches])

    first: Any = batches[0]
    if isinstance(first, Pooled):
        return replace(first, within=factor("within"), between=factor("between"))
    columns = zip(*(getattr(batch, "means") for batch in batches), strict=True)  # noqa: B009
    means = tuple(function(list(arrays)) for arrays in columns)
    return replace(first, sizes=array("sizes"), means=means, within=factor("within"))
