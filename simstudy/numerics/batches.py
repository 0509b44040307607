"""Replications cut out of moments, and moments put side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from simstudy.moments import Array, Clusters, Factor, Moments, Pooled, Rows
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


def reps_of(rows: Rows) -> int:
    """Number of replications R."""
    shared = rows.sizes.shape[1] == 1
    return rows.x.size // int(rows.sizes.sum()) if shared else int(rows.sizes.shape[1])


def cut_rows(rows: Rows, first: int, last: int) -> Rows:
    """Replications first..last-1 (from 0) of units."""
    n_reps = reps_of(rows)
    cells = Segments(rows.sizes, n_reps)
    if cells.equal:
        return Rows(rows.sizes, rows.x[..., first:last], rows.y[..., first:last])
    index = np.arange(n_reps)
    keep = cells.spread((first <= index) & (index < last))
    return Rows(cut_array(rows.sizes, first, last) if n_reps > 1 else rows.sizes,
                rows.x[keep], rows.y[keep])  # fmt: skip


def units(rows: Rows) -> tuple[Array, Array, Array]:
    """Cluster (from 1), x and y of every unit of a lone replication, each of shape (N,)."""
    sizes = rows.sizes[:, 0]
    cluster = np.repeat(np.arange(1, sizes.size + 1), sizes)
    if rows.x.ndim == 1:
        return cluster, rows.x, rows.y
    return cluster, rows.x[:, :, 0].T.ravel(), rows.y[:, :, 0].T.ravel()


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
        members = zip(*(getattr(batch, name) for batch in batches), strict=True)
        return Factor(*(function(list(arrays)) for arrays in members))

    def array(name: str) -> Array:
        return function([getattr(batch, name) for batch in batches])

    first: Any = batches[0]
    if isinstance(first, Pooled):
        return Pooled(first.n_clusters, first.cluster_size, factor("within"), factor("between"))
    means = array("mean_x"), array("mean_y")
    return Clusters(array("sizes"), *means, factor("within"), first.origin)
