"""What drawn data are like: intraclass correlations, sizes and skewness over replications.

Of every replication a few sums are kept, and features are functions of their means: the mean of
ratios would be biased.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from simstudy.moments import Clusters, Floats, Units
from simstudy.numerics import gram
from simstudy.numerics.batches import reps_of
from simstudy.numerics.reduce import reduce
from simstudy.numerics.segments import Segments

FEATURES = ("icc", "x_icc", "size_cv", "skewness", "n_clusters")
Sums = dict[str, Floats]


class Feature(NamedTuple):
    """A feature over replications and its Monte Carlo standard error; NaN where there is none."""

    value: float
    mcse: float


def sums_of(errors: Clusters | Units) -> Sums:
    """What features are made of, an array of shape (R,) each.

    Parameters
    ----------
    errors : Clusters or Units
        Of x and the errors, in the place of y: y without its fixed part. Clusters may be empty.
    """
    clusters = reduce(errors) if isinstance(errors, Units) else errors
    shape = clusters.n_reps
    held = np.broadcast_to(clusters.sizes, (clusters.n_clusters, shape))
    sums: Sums = {
        "clusters": (held > 0).sum(axis=0).astype(float),
        "units": held.sum(axis=0).astype(float),
        "squares": (held.astype(float) ** 2).sum(axis=0),
    }
    with np.errstate(divide="ignore", invalid="ignore"):
        between, within = gram.between(clusters), gram.within(clusters)
        for name, column in (("x", -2), ("e", -1)):
            sums |= _components(
                name, sums, between.product(column, column), within.product(column, column)
            )
        return sums | (_cumulants(errors) if isinstance(errors, Units) else {})


def _components(name: str, sums: Sums, between: Floats, within: Floats) -> Sums:
    """Analysis of variance: (MSB - MSW) / n0, not truncated, and MSW."""
    j, n_obs = sums["clusters"], sums["units"]
    size = (n_obs - sums["squares"] / n_obs) / (j - 1)
    mean_square = within / (n_obs - j)
    return {f"tau2 {name}": (between / (j - 1) - mean_square) / size, f"sigma2 {name}": mean_square}


def _cumulants(errors: Units) -> Sums:
    """Unbiased second and third cumulants of errors that have an effect of their cluster beside.

    In a cluster of n the sums of the squares and cubes about the mean are, on average,
    (n - 1) k2 and (n - 1)(n - 2)/n k3.
    """
    cells = Segments(errors.sizes, reps_of(errors))
    sizes = np.maximum(errors.sizes, 1)
    left = errors.y - cells.spread(cells.sum(errors.y) / sizes)
    freedom = np.broadcast_to(sizes - 1.0, cells.cells)
    squares = left * left
    second = cells.sum(squares).sum(axis=0) / freedom.sum(axis=0)
    third = cells.dot(squares, left).sum(axis=0)
    return {"k2": second, "k3": third / (freedom * (sizes - 2.0) / sizes).sum(axis=0)}


def concatenated(pieces: Sequence[Sums]) -> Sums:
    """Sums of all replications, in order."""
    return {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}


def features_of(sums: Mapping[str, Floats]) -> dict[str, Feature]:
    """Features over all replications, by their names in `FEATURES`.

    `size_cv` is that of all clusters with units, of all replications, as one population. The
    skewness is NaN where sums are of clusters.
    """
    made = {
        "icc": _feature(_share, sums["tau2 e"], sums["sigma2 e"]),
        "x_icc": _feature(_share, sums["tau2 x"], sums["sigma2 x"]),
        "size_cv": _feature(_variation, sums["clusters"], sums["units"], sums["squares"]),
        "skewness": Feature(np.nan, np.nan),
        "n_clusters": _feature(lambda j: j, sums["clusters"]),
    }
    if _alike(sums):
        made["size_cv"] = Feature(0.0, 0.0)
    if "k3" in sums:
        made["skewness"] = _feature(lambda k2, k3: k3 / k2**1.5, sums["k2"], sums["k3"])
    return made


def _share(between: Any, within: Any) -> Any:
    return between / (between + within)


def _variation(clusters: Any, units: Any, squares: Any) -> Any:
    return np.sqrt(squares * clusters / units**2 - 1.0)


def _alike(sums: Mapping[str, Floats]) -> bool:
    """Whether all clusters have one size: in whole numbers, which do not round."""
    clusters, units, squares = (
        sum(map(int, sums[name].tolist())) for name in ("clusters", "units", "squares")
    )
    return clusters * squares == units**2


def _feature(function: Callable[..., Any], *columns: Floats) -> Feature:
    """A function of means over replications, and its error by the delta method.

    Its derivatives are those of complex steps, which do not round.
    """
    kept = np.isfinite(columns).all(axis=0)
    values = [column[kept] for column in columns]
    n_reps = int(kept.sum())
    if not n_reps:
        return Feature(np.nan, np.nan)
    means = [column.mean() for column in values]
    moved = np.zeros(n_reps)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(np.real(function(*means)))
        for k, column in enumerate(values):
            stepped = [mean + 1e-100j * (i == k) for i, mean in enumerate(means)]
            moved += np.imag(function(*stepped)) / 1e-100 * (column - means[k])
    mcse = float(moved.std(ddof=1) / np.sqrt(n_reps)) if n_reps > 1 else np.nan
    return Feature(value, mcse)
